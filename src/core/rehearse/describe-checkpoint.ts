import type {StoredCheckpoint} from '../../model/checkpoint.js'
import {isRunctlError} from '../../model/errors.js'
import type {PlatformDeps} from '../platform-deps.js'
import {isStoreUri} from '../store-place.js'
import {factsOf, type CheckpointFacts} from './rehearsal-record.js'

/**
 * What a run went on from: by its manifest where it was in the store, else as the instance itself tells of it. Without a position or a time where
 * neither does: then nothing is concluded from it.
 */
export async function describeCheckpoint(
  place: string, {instanceId, project}: {readonly instanceId: string; readonly project: string}, {agent, provider: {store}, signal}: Pick<PlatformDeps, 'agent' | 'provider' | 'signal'>,
): Promise<CheckpointFacts> {
  try {
    if (isStoreUri(place) && store) return factsOf(JSON.parse(Buffer.from(await store.get(`${place}.manifest.json`, {signal})).toString('utf8')) as StoredCheckpoint)
    const {checkpoints: [found]} = await agent(instanceId).call('checkpoints', {project, path: place}, {signal})
    if (found) return factsOf(found)
  } catch (error) {
    if (!isRunctlError(error)) throw error
  }
  return {path: place, state: 'complete', step: null, epoch: null, sha256: null, modified_at: new Date(0).toISOString()}
}
