import {readOrigin, type CheckpointOrigin, type OriginFlags} from '../core/checkpoint-origin.js'
import type {CleanupPlacesInput} from '../core/find-cleanup-places.js'
import {RunctlError} from '../model/errors.js'
import {parseMetric, type RetentionPolicy} from '../model/retention.js'

export interface CleanupFlags extends OriginFlags {
  readonly 'keep-last'?: number | undefined
  readonly 'keep-best'?: number | undefined
  readonly 'keep-every'?: number | undefined
  readonly metric?: string | undefined
  readonly where?: CleanupPlacesInput['where'] | undefined
}

export interface CleanupWish {
  readonly origin: CheckpointOrigin
  readonly policy: RetentionPolicy
  readonly where: CleanupPlacesInput['where']
}

/** What the flags of `checkpoint cleanup` say. Throws `bad_input` where they keep nothing, or make no sense together. */
export function cleanupWish(flags: CleanupFlags, source: string | undefined, command: string): CleanupWish {
  const policy: RetentionPolicy = {
    keepLast: flags['keep-last'] ?? null,
    keepBest: flags['keep-best'] ?? null,
    metric: flags.metric === undefined ? null : parseMetric(flags.metric),
    keepEvery: flags['keep-every'] ?? null,
  }
  if (policy.keepLast === null && policy.keepBest === null && policy.keepEvery === null) {
    throw new RunctlError('bad_input', 'say what to keep: --keep-last, --keep-best with --metric, or --keep-every', {next: [`${command} --instance-id INSTANCE --keep-last 3 --dry-run`]})
  }
  const origin = readOrigin(flags, source, [`${command} --instance-id INSTANCE --keep-last 3 --dry-run`, `${command} s3://BUCKET/PREFIX --keep-last 3 --dry-run`, `${command} ./checkpoints --keep-last 3 --dry-run`])
  const isOfBoth = origin.kind === 'run' || origin.kind === 'project'
  if (flags.where !== undefined && !isOfBoth && !(origin.kind === 'instance' && flags.where === 'instance')) {
    throw new RunctlError('bad_input', `--where ${flags.where} is for a run or a project, which can be in both`, {next: [`${command} --project PROJECT --where ${flags.where} --keep-last 3 --dry-run`]})
  }
  return {origin, policy, where: flags.where ?? 'all'}
}
