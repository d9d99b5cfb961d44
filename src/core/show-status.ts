import type {RunStatus} from '../agent/protocol.js'
import {isRunctlError} from '../model/errors.js'
import {findInstance} from './find-instance.js'
import {resourceRow, type ResourceRow} from './list-resources.js'
import type {PlatformDeps} from './platform-deps.js'
import {readRuns} from './read-runs.js'

/** An instance, and what runs there. Also its JSON form. */
export interface InstanceStatus extends ResourceRow {
  /** Active runs, and the newest one if it has ended, newest first; null where the instance could not be asked. */
  readonly runs: readonly RunStatus[] | null
  /** Why it could not be asked: `stopped`, or what the shell said. */
  readonly runs_unknown_because: string | null
}

type Deps = Pick<PlatformDeps, 'agent' | 'clock' | 'provider' | 'signal'>

/** Asks the platform and, if the instance runs, the agent. An agent that does not answer is part of the answer, not an error. */
export async function showStatus(instanceId: string, deps: Deps): Promise<InstanceStatus> {
  const instance = await findInstance(instanceId, deps)
  // A command to a stopped instance may wait until it runs: only one that runs is asked.
  const [row, runs] = await Promise.all([resourceRow(instance, deps), instance.state === 'running' ? askRuns(instanceId, deps) : `the instance is ${instance.state}`])
  return typeof runs === 'string' ? {...row, runs: null, runs_unknown_because: runs} : {...row, runs, runs_unknown_because: null}
}

/** The runs, or why they are not known. */
async function askRuns(instanceId: string, deps: Deps): Promise<readonly RunStatus[] | string> {
  try {
    const runs = await readRuns(deps.agent(instanceId), 50, deps.signal)
    return runs.filter((run, index) => index === 0 || run.state !== 'stopped')
  } catch (error) {
    if (!isRunctlError(error)) throw error
    return error.message
  }
}
