import {isRunctlError, RunctlError} from '../model/errors.js'
import {cleanupPlaceHere, cleanupPlaceOnInstance} from './cleanup-disk.js'
import type {CleanupPlace} from './cleanup-checkpoints.js'
import {cleanupPlacesInStore} from './cleanup-store.js'
import type {CheckpointOrigin} from './checkpoint-origin.js'
import {findRunningInstance} from './find-instance.js'
import {findRun, type RunRow} from './list-runs.js'
import {listInstances} from './list-resources.js'
import type {LocalAgent} from './local-agent-port.js'
import type {PlatformDeps} from './platform-deps.js'
import {noRoot, storeFor, storeRoots, type StoreHints} from './store-roots.js'

export interface CleanupPlacesInput extends StoreHints {
  readonly origin: CheckpointOrigin
  /** Of a run or a project: disks, the store, or both. `instance` besides counts on verified copies in the store. */
  readonly where: 'all' | 'instance' | 's3'
}

type Deps = Pick<PlatformDeps, 'agent' | 'progress' | 'provider' | 'signal'>

export interface CleanupPlacesDeps {
  /** Those that are asked; of an instance only its own. */
  readonly platforms: readonly Deps[]
  readonly callAgentHere: LocalAgent
}

/** The places that a clean-up is about. Looks, and changes nothing. Rejects with `not_found`, `wrong_state`, and as platforms and agents do. */
export async function findCleanupPlaces(input: CleanupPlacesInput, {callAgentHere, platforms}: CleanupPlacesDeps): Promise<readonly CleanupPlace[]> {
  const {origin, where} = input
  switch (origin.kind) {
    case 'folder':
      return [await cleanupPlaceHere(origin.dir, callAgentHere)]
    case 'store':
      return inStore(origin.uri, null, platforms)
    case 'instance': {
      const [deps] = platforms
      if (!deps) throw new Error('the platform of the instance is missing')
      await findRunningInstance(origin.instanceId, deps)
      const request = origin.project === null ? {} : {project: origin.project}
      return [await cleanupPlaceOnInstance({instanceId: origin.instanceId, request, countsOnStore: where === 'instance'}, deps)]
    }
    case 'run':
      return ofRun(origin.runId, input, platforms)
    case 'project':
      return [
        ...(where === 's3' ? [] : await onInstances(origin.project, where === 'instance', platforms)),
        ...(where === 'instance' ? [] : await inRoots(origin.project, null, input, platforms)),
      ]
  }
}

async function inStore(prefix: string, runId: string | null, platforms: readonly Deps[]): Promise<readonly CleanupPlace[]> {
  const {deps, store} = storeFor(prefix, platforms)
  return cleanupPlacesInStore({prefix, runId}, {store, pricing: deps.provider.pricing, signal: deps.signal})
}

async function ofRun(runId: string, input: CleanupPlacesInput, platforms: readonly Deps[]): Promise<readonly CleanupPlace[]> {
  const found = await runOnInstance(runId, input.where, platforms)
  const places: CleanupPlace[] = []
  if (found && input.where !== 's3') places.push(await cleanupPlaceOnInstance({instanceId: found.run.instance_id, request: {run_id: runId}, countsOnStore: input.where === 'instance'}, found.deps))
  if (input.where === 'instance') return places
  const uri = found?.run.output_uri
  // A run without an output has nothing in a store.
  if (uri) places.push(...(await inStore(uri, runId, platforms)))
  else if (!found) places.push(...(await inRoots(null, runId, input, platforms)))
  if (places.length > 0 || found) return places
  throw new RunctlError('not_found', `${runId} is on no running instance, and nothing of it is in the store`, {next: ['runctl run list', 'runctl resources list'], details: {run_id: runId}})
}

async function runOnInstance(runId: string, where: CleanupPlacesInput['where'], platforms: readonly Deps[]): Promise<{readonly deps: Deps; readonly run: RunRow} | null> {
  try {
    return await findRun(runId, platforms)
  } catch (error) {
    // Its instance may be stopped or gone: what is in the store can be cleaned up all the same.
    if (where === 'instance' || !isRunctlError(error) || error.code === 'bad_input') throw error
    if (where === 'all') platforms[0]?.progress.emit({type: 'note', message: `${error.message}; only the store is looked at`})
    return null
  }
}

/** All running instances at once; of those that have none of the project nothing is said. */
async function onInstances(project: string, countsOnStore: boolean, platforms: readonly Deps[]): Promise<readonly CleanupPlace[]> {
  const places = await Promise.all(platforms.map(async deps => {
    const instances = await listInstances(['pending', 'running', 'stopping', 'stopped'], deps)
    return Promise.all(instances.map(async ({id, state}) => {
      const leftOut = (why: string): null => {
        deps.progress.emit({type: 'note', message: `${id} was left out: ${why}`})
        return null
      }
      if (state !== 'running') return leftOut(`it is ${state}`)
      try {
        return await cleanupPlaceOnInstance({instanceId: id, request: {project}, countsOnStore}, deps)
      } catch (error) {
        if (!isRunctlError(error)) throw error
        return leftOut(error.message)
      }
    }))
  }))
  return places.flat().filter(place => place !== null && place.checkpoints.length > 0) as readonly CleanupPlace[]
}

async function inRoots(project: string | null, runId: string | null, input: CleanupPlacesInput, platforms: readonly Deps[]): Promise<readonly CleanupPlace[]> {
  const roots = await storeRoots(input, platforms)
  if (roots.length === 0 && input.where === 's3') throw noRoot(project ?? runId ?? 'it')
  const places = await Promise.all(roots.map(async ({deps, root, store}) =>
    cleanupPlacesInStore({prefix: project === null ? `${root}/` : `${root}/${project}/`, runId}, {store, pricing: deps.provider.pricing, signal: deps.signal})))
  return places.flat()
}
