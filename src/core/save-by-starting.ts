import type {Instance} from '../model/instance.js'
import type {CleanUpInput} from './clean-up.js'
import {endInstance} from './end-instance.js'
import {withContext} from '../model/errors.js'
import type {PlatformDeps} from './platform-deps.js'
import {pullCheckpoints} from './pull-checkpoints.js'
import {readRuns} from './read-runs.js'
import {startInstance} from './start-instance.js'

type Input = Pick<CleanUpInput, 'cwd' | 'graceMs' | 'requestId' | 'timeoutMs'>

/**
 * Starts a stopped instance, copies the checkpoints of each of its projects to this machine, verified, and terminates it: which is refused where
 * one exists on its disk alone all the same. What fails stops it again, so that it is as it was.
 */
export async function saveByStarting({id}: Instance, input: Input, deps: PlatformDeps): Promise<void> {
  const {cwd, graceMs, requestId, timeoutMs} = input
  const end = {instanceId: id, graceMs, requestId, timeoutMs, force: false}
  await startInstance({instanceId: id, wait: true, timeoutMs}, deps)
  try {
    const runs = await readRuns(deps.agent(id), 200, deps.signal)
    for (const project of new Set(runs.map(run => run.project))) await pullCheckpoints({instanceId: id, project, destination: null, cwd}, deps)
    await endInstance({...end, kind: 'terminate'}, deps)
  } catch (error) {
    deps.signal.throwIfAborted()
    try {
      await endInstance({...end, kind: 'stop'}, deps)
    } catch {
      throw withContext(error, {stillRunning: [`instance ${id}, which was started to be saved`], next: [`runctl ${deps.provider.name} stop ${id}`]})
    }
    throw error
  }
}
