import {RunctlError} from '../model/errors.js'
import {isStoreUri} from './store-place.js'

/** Whose checkpoints are meant. */
export type CheckpointOrigin =
  | {readonly kind: 'folder'; readonly dir: string}
  /** A prefix, or one checkpoint. */
  | {readonly kind: 'store'; readonly uri: string}
  /** `project` null: that of the newest run. */
  | {readonly kind: 'instance'; readonly instanceId: string; readonly project: string | null}
  | {readonly kind: 'run'; readonly runId: string}
  | {readonly kind: 'project'; readonly project: string}

export interface OriginFlags {
  readonly 'instance-id'?: string | undefined
  readonly run?: string | undefined
  readonly project?: string | undefined
  readonly from?: string | undefined
}

/** What flags and an argument name. Throws `bad_input` where they name nothing, or several things. `examples` come as advice. */
export function readOrigin(flags: OriginFlags, argument: string | undefined, examples: readonly string[]): CheckpointOrigin {
  const {'instance-id': instanceId, project, run} = flags
  const origins: readonly (CheckpointOrigin | null)[] = [
    instanceId === undefined ? null : {kind: 'instance', instanceId, project: project ?? null},
    run === undefined ? null : {kind: 'run', runId: run},
    project === undefined || instanceId !== undefined ? null : {kind: 'project', project},
    argument === undefined ? null : isStoreUri(argument) ? {kind: 'store', uri: argument} : {kind: 'folder', dir: argument},
  ]
  const given = origins.filter(origin => origin !== null)
  const [only] = given
  if (given.length === 1 && only && flags.from !== undefined && only.kind !== 'run' && only.kind !== 'project') {
    throw new RunctlError('bad_input', '--from says where a run or a project is stored; with neither there is nothing to look for', {next: examples})
  }
  if (given.length === 1 && only) return only
  throw new RunctlError('bad_input', given.length === 0 ? 'say whose checkpoints: an instance, a run, a project, a folder here or a prefix in a store' : 'give one of an instance, a run, a project, a folder and a prefix, not several', {next: examples})
}
