import {isRunctlError, RunctlError} from '../model/errors.js'
import {isActive} from '../model/run.js'
import {pathForShell} from '../model/quote-for-shell.js'
import {latestGood, type PlacedListing} from './checkpoint-sources.js'
import {findInstance} from './find-instance.js'
import {findStoredRun, knownOutputs, type WhereToLook} from './find-stored-run.js'
import {hourlyPrice} from './instance-cost.js'
import {inStore, placed} from './list-instance-checkpoints.js'
import {findRun, type RunRow} from './list-runs.js'
import type {PlatformDeps} from './platform-deps.js'
import {readCheckpoints} from './read-checkpoints.js'
import {listStoredRun} from './stored-checkpoints.js'

export interface RunSource extends WhereToLook {
  readonly runId: string
}

type Deps = Pick<PlatformDeps, 'agent' | 'clock' | 'provider' | 'signal'>

/** The checkpoints that a run wrote: asked on its instance, and found in the store; in the store alone where the instance is stopped or gone. */
export async function listRunCheckpoints(source: RunSource, platforms: readonly Deps[]): Promise<PlacedListing> {
  if (source.from === null) {
    const found = await findRun(source.runId, platforms).catch((error: unknown) => {
      if (isRunctlError(error) && (error.code === 'not_found' || error.code === 'wrong_state')) return error
      throw error
    })
    if (!isRunctlError(found)) return ofRunOnInstance(found.run, found.deps)
    return inStoreAlone(source, platforms, found)
  }
  return inStoreAlone(source, platforms, null)
}

async function ofRunOnInstance(run: RunRow, deps: Deps): Promise<PlacedListing> {
  const [listing, stored, price] = await Promise.all([
    readCheckpoints(deps.agent(run.instance_id), {run_id: run.run_id}, deps.signal),
    inStore([run], deps),
    // Only what goes on costs.
    isActive(run) ? findInstance(run.instance_id, deps).then(async instance => hourlyPrice(instance, deps)) : null,
  ])
  return placed(listing, stored, [run], price, deps)
}

/** `unasked`: why it was not found on an instance. */
async function inStoreAlone(source: RunSource, platforms: readonly Deps[], unasked: RunctlError | null): Promise<PlacedListing> {
  for (const {provider, signal} of platforms) {
    const {store} = provider
    if (!store) continue
    const outputs = await knownOutputs(source, {provider, signal})
    const prefix = await findStoredRun(source.runId, outputs, source.projectName, {store, signal})
    if (prefix === null) continue
    const {checkpoints, warnings} = await listStoredRun(prefix, {store, signal})
    const note = unasked === null ? [] : [`${unasked.message}; this is what is in ${prefix}`]
    return {checkpoints, latest_good: latestGood(checkpoints), latest_good_skipped: [], notes: note, warnings, at_risk: null, waiting: null}
  }
  const looked = source.from ?? source.defaultOutput
  throw new RunctlError(unasked?.code ?? 'not_found', `${unasked?.message ?? `there is no run ${source.runId}`}${looked === null ? '' : `, and nothing of it in ${looked}`}`, {
    next: [...(unasked?.next ?? []), `runctl checkpoint list --run ${pathForShell(source.runId)} --from s3://BUCKET/PREFIX`],
    details: unasked?.details ?? {run_id: source.runId},
  })
}
