import type {CheckpointsAnswer} from '../agent/checkpoint-protocol.js'
import type {RunStatus} from '../agent/protocol.js'
import type {Checkpoint} from '../model/checkpoint.js'
import {isRunctlError, RunctlError} from '../model/errors.js'
import {TAGS, type Instance} from '../model/instance.js'
import {pathForShell} from '../model/quote-for-shell.js'
import {machineAtRisk} from '../model/work-at-risk.js'
import type {HourlyPrice} from '../providers/provider.js'
import {latestGood, mergeCheckpoints, storedOfRuns, waitingFor, type PlacedListing} from './checkpoint-sources.js'
import {findInstance} from './find-instance.js'
import {hourlyPrice} from './instance-cost.js'
import {recordedCheckpoints} from './list-checkpoints.js'
import type {PlatformDeps} from './platform-deps.js'
import {readCheckpoints} from './read-checkpoints.js'
import {readRuns} from './read-runs.js'
import {readStoredRun, storedRunPrefixes, type StoredListing} from './stored-checkpoints.js'
import {mapConcurrently} from './sync/map-concurrently.js'

export interface InstanceSource {
  readonly instanceId: string
  /** null: that of the newest run. */
  readonly project: string | null
  /** Of the configuration: where outputs are if no tag says it. */
  readonly defaultOutput: string | null
}

type Deps = Pick<PlatformDeps, 'agent' | 'clock' | 'provider' | 'signal'>

/** The checkpoints of an instance in all places: asked if it runs, and looked up in the store; of one that does not run what its tags and the store say. */
export async function listInstanceCheckpoints(source: InstanceSource, deps: Deps): Promise<PlacedListing> {
  const instance = await findInstance(source.instanceId, deps).catch((error: unknown) => {
    throw isRunctlError(error) && error.code === 'not_found' ? forgotten(error, source) : error
  })
  return instance.state === 'running' ? ofRunning(instance, source.project, deps) : ofEnded(instance, source, deps)
}

/** Its runs are read beside its checkpoints: they say where in the store to look. */
export async function ofRunning(instance: Instance, project: string | null, deps: Deps): Promise<PlacedListing> {
  const agent = deps.agent(instance.id)
  const [listing, runs, price] = await Promise.all([
    readCheckpoints(agent, project === null ? {} : {project}, deps.signal),
    readRuns(agent, 50, deps.signal),
    hourlyPrice(instance, deps),
  ])
  const of = project ?? runs[0]?.project
  const own = runs.filter(run => run.project === of)
  const stored = await inStore(own, deps)
  return placed(listing, stored, own, price, deps)
}

/** What an instance tells and what the store has of the same runs, as one. `price`: of the machine; null where unknown, or nothing of it is at risk. */
export function placed(listing: CheckpointsAnswer, stored: StoredListing, runs: readonly RunStatus[], price: HourlyPrice | null, {clock}: Pick<Deps, 'clock'>): PlacedListing {
  const checkpoints = mergeCheckpoints(listing.checkpoints, stored.checkpoints)
  return {
    checkpoints,
    latest_good: listing.latest_good ?? latestGood(checkpoints),
    latest_good_skipped: listing.latest_good_skipped,
    notes: [],
    warnings: stored.warnings,
    at_risk: machineAtRisk(runs, price?.usdPerHour ?? null, clock.now()),
    waiting: waitingFor(checkpoints, runs),
  }
}

/** What lies below the runs' own outputs. */
export async function inStore(runs: readonly Pick<RunStatus, 'output_uri'>[], {provider, signal}: Pick<Deps, 'provider' | 'signal'>): Promise<StoredListing> {
  const {store} = provider
  const prefixes = store ? runs.flatMap(({output_uri}) => (output_uri?.startsWith(`${store.scheme}://`) ? [output_uri] : [])) : []
  return store && prefixes.length > 0 ? storedOfRuns(prefixes, {store, signal}) : {checkpoints: [], stored: [], warnings: []}
}

async function ofEnded(instance: Instance, source: InstanceSource, deps: Deps): Promise<PlacedListing> {
  const {id, platform, state, tags} = instance
  const recorded = recordedCheckpoints(instance)
  const stored = await storedOfInstance(instance, source, deps)
  const checkpoints = mergeRecorded(recorded, stored.checkpoints)
  const isGone = state === 'terminated' || state === 'shutting-down'
  const where = stored.looked === null ? 'its tags say' : `its tags and ${stored.looked} say`
  const rest = isGone ? 'what else was on its disk is gone with it' : `start it to see what else is on its disk (runctl ${platform} start ${id} --wait)`
  return {
    // The disk of a terminated one is no place any more.
    checkpoints: isGone ? checkpoints.map(one => ({...one, places: one.places.filter(({kind}) => kind !== 'instance')})).filter(({places}) => places.length > 0) : checkpoints,
    latest_good: latestGood(stored.checkpoints) ?? (isGone ? null : (recorded[0] ?? null)),
    latest_good_skipped: [],
    notes: [`${id} is ${state}: this is what ${where}; ${rest}`],
    warnings: [...stored.warnings, ...(isGone && stored.looked === null ? [`where its runs wrote to is not known: runctl checkpoint list --run ${pathForShell(tags[TAGS.lastRun] ?? 'RUN')} --from s3://BUCKET/PREFIX`] : [])],
    at_risk: null,
    waiting: null,
  }
}

/** The runs of its project that say in run.json that they ran there. */
async function storedOfInstance({id, tags}: Instance, source: InstanceSource, deps: Deps): Promise<StoredListing & {readonly looked: string | null}> {
  const {signal} = deps
  const {store} = deps.provider
  const output = tags[TAGS.output] || source.defaultOutput
  const project = source.project ?? tags[TAGS.project]
  const nothing = {checkpoints: [], stored: [], warnings: [], looked: null}
  if (!store || !output?.startsWith(`${store.scheme}://`) || !project) return nothing
  const lastRun = tags[TAGS.lastRun]
  try {
    const prefixes = await storedRunPrefixes(output, project, {store, signal})
    const own = await mapConcurrently(prefixes, 16, async prefix => (prefix.endsWith(`/${lastRun ?? ''}/`) || (await readStoredRun(prefix, {store, signal}))?.instanceId === id ? [prefix] : []))
    return {...(await storedOfRuns(own.flat(), {store, signal})), looked: output}
  } catch (error) {
    if (!isRunctlError(error)) throw error
    return {...nothing, warnings: [`what is in ${output} is not in this list: ${error.message}`]}
  }
}

/** A tag has the digest's beginning alone: the same run and path at the same step is the same checkpoint. */
function mergeRecorded(recorded: readonly Checkpoint[], stored: readonly Checkpoint[]): readonly Checkpoint[] {
  const known = recorded.map(one => {
    const twin = stored.find(({modified_at, path, run_id, step}) => path === one.path && run_id === one.run_id && step === one.step && modified_at === one.modified_at)
    return twin ? {...twin, places: [...one.places, ...twin.places]} : one
  })
  return mergeCheckpoints(known, stored)
}

function forgotten(error: RunctlError, {defaultOutput, instanceId, project}: InstanceSource): RunctlError {
  const where = defaultOutput === null ? ' --from s3://BUCKET/PREFIX' : ''
  return new RunctlError('not_found', `${error.message}; a terminated one is forgotten after a while, and what it copied to a store is found there`, {
    next: [`runctl checkpoint list --project ${project ?? 'PROJECT'}${where}`, `runctl checkpoint list --run RUN${where}`, ...error.next],
    details: {...error.details, instance_id: instanceId},
  })
}
