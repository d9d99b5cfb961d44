import type {RunStatus, StatusRequest} from '../agent/protocol.js'
import {isRunctlError, RunctlError} from '../model/errors.js'
import {TAGS, type Instance} from '../model/instance.js'
import {RUN_ID_PATTERN} from '../model/run.js'
import {findInstance} from './find-instance.js'
import {listInstances} from './list-resources.js'
import type {PlatformDeps} from './platform-deps.js'
import {readRuns} from './read-runs.js'

/** A run and where it is. */
export interface RunRow extends RunStatus {
  readonly platform: string
  readonly instance_id: string
}

export interface RunList {
  readonly runs: readonly RunRow[]
  /** Instances that could not be asked, and why: their runs are not in the list. */
  readonly unasked: readonly {readonly platform: string; readonly instance_id: string; readonly why: string; readonly last_run: string | null}[]
}

export interface ListRunsInput {
  readonly instanceId: string | null
  /** The most runs of each instance, newest first. */
  readonly limit: number
}

type Deps = Pick<PlatformDeps, 'agent' | 'provider' | 'signal'>

/** Asks every running instance of the platforms at once. One that does not answer is named, not fatal. Rejects with `not_found` for an id. */
export async function listRuns(input: ListRunsInput, platforms: readonly Deps[]): Promise<RunList> {
  const {instanceId, limit} = input
  const lists = await Promise.all(platforms.map(async deps => {
    const instances = instanceId === null ? await existing(deps) : [await findInstance(instanceId, deps)]
    return askInstances(instances, {all: true, limit}, deps)
  }))
  return {runs: lists.flatMap(list => list.runs).toSorted(byNewest), unasked: lists.flatMap(list => list.unasked)}
}

/** Run ids sort by time. */
export const byNewest = (a: RunRow, b: RunRow): number => (a.run_id < b.run_id ? 1 : -1)

/** Asks those that run the same thing, all at once: a platform may carry that as one command. */
export async function askInstances(instances: readonly Instance[], request: StatusRequest, deps: Deps): Promise<RunList> {
  const answers = await Promise.all(instances.map(async instance => {
    const where = {platform: instance.platform, instance_id: instance.id}
    const unasked = (why: string): RunList => ({runs: [], unasked: [{...where, why, last_run: instance.tags[TAGS.lastRun] ?? null}]})
    if (instance.state !== 'running') return unasked(`it is ${instance.state}`)
    try {
      const agent = deps.agent(instance.id)
      const runs = request.all === true ? await readRuns(agent, request.limit ?? Infinity, deps.signal) : (await agent.call('status', request, {signal: deps.signal})).runs
      return {runs: runs.map(run => ({...run, ...where})), unasked: []}
    } catch (error) {
      if (!isRunctlError(error)) throw error
      // Asked for one run, this instance has not got it.
      if (error.code === 'not_found' && request.run_id !== undefined) return {runs: [], unasked: []}
      return unasked(error.message)
    }
  }))
  return {runs: answers.flatMap(answer => answer.runs), unasked: answers.flatMap(answer => answer.unasked)}
}

const existing = (deps: Deps): Promise<readonly Instance[]> => listInstances(['pending', 'running', 'stopping', 'stopped'], deps)

/** Where a run is, and the platform that it is on. Rejects with `bad_input` for what is no run id, with `not_found`, naming the stopped instance that had it last if one did. */
export async function findRun<D extends Deps>(runId: string, platforms: readonly D[]): Promise<{readonly deps: D; readonly instance: Instance; readonly run: RunRow}> {
  if (!RUN_ID_PATTERN.test(runId)) throw new RunctlError('bad_input', `${JSON.stringify(runId)} is not a run id`, {next: ['runctl run list']})
  const lists = await Promise.all(platforms.map(async deps => {
    const instances = await existing(deps)
    return {deps, instances, list: await askInstances(instances, {run_id: runId}, deps)}
  }))
  for (const {deps, instances, list} of lists) {
    const run = list.runs.find(candidate => candidate.run_id === runId)
    const instance = instances.find(({id}) => id === run?.instance_id)
    if (run && instance) return {deps, instance, run}
  }
  const unasked = lists.flatMap(({list}) => list.unasked)
  const owner = unasked.find(({last_run}) => last_run === runId)
  if (owner) {
    throw new RunctlError('wrong_state', `${runId} is on ${owner.instance_id}, which cannot be asked now: ${owner.why}`, {
      next: [`runctl ${owner.platform} start ${owner.instance_id} --wait`],
      details: {instance_id: owner.instance_id, run_id: runId},
    })
  }
  const silent = unasked.length > 0 ? ` (${unasked.length} instance(s) could not be asked: ${unasked.map(({instance_id}) => instance_id).slice(0, 5).join(', ')})` : ''
  throw new RunctlError('not_found', `there is no run ${runId} on a running instance${silent}`, {next: ['runctl run list', 'runctl resources list'], details: {run_id: runId}})
}
