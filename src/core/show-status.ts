import type {RunStatus} from '../agent/protocol.js'
import {isRunctlError} from '../model/errors.js'
import {findInstance} from './find-instance.js'
import {resourceRow, type ResourceRow} from './list-resources.js'
import type {PlatformDeps} from './platform-deps.js'

/** An instance, and what runs there. Also its JSON form. */
export interface InstanceStatus extends ResourceRow {
  /** Active runs, and the newest one if it has ended, newest first; null where the instance could not be asked. */
  readonly runs: readonly RunStatus[] | null
  /** Why it could not be asked: `stopped`, or what the shell said. */
  readonly runs_unknown_because: string | null
}

/** Asks the platform and, if the instance runs, the agent. An agent that does not answer is part of the answer, not an error. */
export async function showStatus(instanceId: string, deps: Pick<PlatformDeps, 'agent' | 'clock' | 'provider' | 'signal'>): Promise<InstanceStatus> {
  const instance = await findInstance(instanceId, deps)
  const row = await resourceRow(instance, deps)
  if (instance.state !== 'running') return {...row, runs: null, runs_unknown_because: `the instance is ${instance.state}`}
  try {
    const {runs} = await deps.agent(instanceId).call('status', {all: true, limit: 50}, {signal: deps.signal})
    return {...row, runs: runs.filter((run, index) => index === 0 || run.state !== 'stopped'), runs_unknown_because: null}
  } catch (error) {
    if (!isRunctlError(error)) throw error
    return {...row, runs: null, runs_unknown_because: error.message}
  }
}
