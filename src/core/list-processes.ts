import type {ProcessesAnswer} from '../agent/protocol.js'
import {findRunningInstance} from './find-instance.js'
import type {PlatformDeps} from './platform-deps.js'

/** Processes, memory, disk and GPUs of an instance now. */
export async function listProcesses(instanceId: string, deps: Pick<PlatformDeps, 'agent' | 'provider' | 'signal'>): Promise<ProcessesAnswer> {
  await findRunningInstance(instanceId, deps)
  return deps.agent(instanceId).call('processes', {}, {signal: deps.signal})
}
