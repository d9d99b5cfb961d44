import {RunctlError, isRunctlError} from '../model/errors.js'
import {TAGS} from '../model/instance.js'
import {latestGood, mergeCheckpoints, MOST_STORED_RUNS, storedOfRuns, type PlacedListing} from './checkpoint-sources.js'
import type {WhereToLook} from './find-stored-run.js'
import {knownOutputs} from './find-stored-run.js'
import {ofRunning} from './list-instance-checkpoints.js'
import {recordedCheckpoints} from './list-checkpoints.js'
import {listInstances} from './list-resources.js'
import type {PlatformDeps} from './platform-deps.js'
import {storedRunPrefixes} from './stored-checkpoints.js'

export interface ProjectSource extends WhereToLook {
  readonly project: string
}

type Deps = Pick<PlatformDeps, 'agent' | 'clock' | 'provider' | 'signal'>

/** All checkpoints of a project: of every instance that bears its name, and of its runs in the store. */
export async function listProjectCheckpoints(source: ProjectSource, platforms: readonly Deps[]): Promise<PlacedListing> {
  const parts = (await Promise.all(platforms.map(async deps => [...(await onInstances(source, deps)), ...(await inStores(source, deps))]))).flat()
  if (parts.length === 0) {
    throw new RunctlError('not_found', `there is no instance of the project ${source.project}, and nothing of it in a store that is known`, {
      next: [`runctl checkpoint list --project ${source.project} --from s3://BUCKET/PREFIX`, 'runctl resources list'],
    })
  }
  const checkpoints = mergeCheckpoints(...parts.map(part => part.checkpoints))
  const risks = parts.flatMap(({at_risk}) => at_risk ?? [])
  const waits = parts.flatMap(({waiting}) => waiting ?? [])
  return {
    checkpoints,
    latest_good: latestGood(checkpoints),
    latest_good_skipped: parts.flatMap(part => part.latest_good_skipped),
    notes: parts.flatMap(({notes}) => notes),
    warnings: parts.flatMap(({warnings}) => warnings),
    at_risk: risks.toSorted((a, b) => b.seconds - a.seconds)[0] ?? null,
    waiting: waits.length === 0 ? null : {
      count: waits.reduce((sum, {count}) => sum + count, 0),
      size_bytes: waits.reduce((sum, {size_bytes}) => sum + size_bytes, 0),
      since: waits.flatMap(({since}) => since ?? []).sort()[0] ?? null,
    },
  }
}

const NOTHING: PlacedListing = {checkpoints: [], latest_good: null, latest_good_skipped: [], notes: [], warnings: [], at_risk: null, waiting: null}

async function onInstances({from, project}: ProjectSource, deps: Deps): Promise<readonly PlacedListing[]> {
  if (from !== null) return []
  const instances = (await listInstances([], deps)).filter(({tags}) => tags[TAGS.project] === project)
  return Promise.all(instances.map(async instance => {
    if (instance.state !== 'running') {
      const checkpoints = recordedCheckpoints(instance)
      return {...NOTHING, checkpoints, notes: [`${instance.id} is ${instance.state}: of its disk this is what its tags say`]}
    }
    try {
      return await ofRunning(instance, project, deps)
    } catch (error) {
      // One that does not answer leaves the others alone; one that was never trained on has nothing.
      if (!isRunctlError(error)) throw error
      return {...NOTHING, notes: [`${instance.id} was not asked: ${error.message}`]}
    }
  }))
}

async function inStores(source: ProjectSource, {provider, signal}: Deps): Promise<readonly PlacedListing[]> {
  const {store} = provider
  if (!store) return []
  return (await Promise.all((await knownOutputs(source, {provider, signal})).map(async output => {
    try {
      const prefixes = await storedRunPrefixes(output, source.project, {store, signal})
      if (prefixes.length === 0) return []
      const {checkpoints, warnings} = await storedOfRuns(prefixes, {store, signal})
      const more = prefixes.length > MOST_STORED_RUNS ? [`only the newest ${MOST_STORED_RUNS} of ${prefixes.length} runs in ${output} are in this list: runctl checkpoint list ${output}/${source.project}/ has all`] : []
      return [{...NOTHING, checkpoints, warnings: [...warnings, ...more]}]
    } catch (error) {
      if (!isRunctlError(error)) throw error
      return [{...NOTHING, warnings: [`what is in ${output} is not in this list: ${error.message}`]}]
    }
  }))).flat()
}
