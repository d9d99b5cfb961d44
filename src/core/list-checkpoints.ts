import type {CheckpointsAnswer, CheckpointsRequest} from '../agent/checkpoint-protocol.js'
import type {Checkpoint} from '../model/checkpoint.js'
import {TAGS, type Instance} from '../model/instance.js'
import {findInstance} from './find-instance.js'
import {readCheckpointTag} from './list-resources.js'
import type {PlatformDeps} from './platform-deps.js'
import {readCheckpoints} from './read-checkpoints.js'

export interface CheckpointsOnInstanceInput {
  readonly instanceId: string
  readonly request: CheckpointsRequest
}

export interface CheckpointListing {
  /** Oldest first. */
  readonly checkpoints: readonly Checkpoint[]
  /** Where they are: a folder on the instance, absolute. null where only the tags were read. */
  readonly dir: string | null
  readonly latest_good: Checkpoint | null
  readonly latest_good_skipped: CheckpointsAnswer['latest_good_skipped']
  /** What the listing cannot know: `the instance is stopped: …`. */
  readonly incomplete_because: string | null
}

/** The checkpoints on an instance: asked if it runs; from its tags (the last one recorded) if it does not. */
export async function listCheckpoints(input: CheckpointsOnInstanceInput, deps: Pick<PlatformDeps, 'agent' | 'provider' | 'signal'>): Promise<CheckpointListing> {
  const instance = await findInstance(input.instanceId, deps)
  if (instance.state === 'running') {
    const {checkpoints, dir, latest_good, latest_good_skipped} = await readCheckpoints(deps.agent(instance.id), input.request, deps.signal)
    return {checkpoints, dir, latest_good, latest_good_skipped, incomplete_because: null}
  }
  const recorded = recordedCheckpoints(instance)
  return {
    checkpoints: recorded,
    dir: null,
    latest_good: recorded[0] ?? null,
    latest_good_skipped: [],
    incomplete_because: `${instance.id} is ${instance.state}: this is what its tags say; start it to see all (runctl ${instance.platform} start ${instance.id} --wait)`,
  }
}

/** What the tags say: at most one, the last that was recorded. */
export function recordedCheckpoints(instance: Instance): readonly Checkpoint[] {
  const tag = readCheckpointTag(instance.tags[TAGS.lastCheckpoint])
  return tag ? [{
    path: tag.path,
    state: 'complete',
    state_detail: 'as recorded when the instance was stopped',
    format: null,
    size_bytes: tag.size,
    sha256: null,
    step: tag.step,
    epoch: tag.epoch,
    metrics: {},
    modified_at: tag.at,
    run_id: instance.tags[TAGS.lastRun] ?? null,
    attempt: null,
    tags: [],
    places: [{kind: 'instance', where: instance.id, path: tag.path, verified_at: tag.at}],
  }] : []
}
