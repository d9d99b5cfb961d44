import {RunctlError} from '../model/errors.js'
import type {Instance} from '../model/instance.js'
import type {PlatformDeps} from './platform-deps.js'

/** The instance as the platform describes it now. Rejects with `not_found`. */
export async function findInstance(id: string, {provider, signal}: Pick<PlatformDeps, 'provider' | 'signal'>): Promise<Instance> {
  for await (const instance of provider.describeInstances({ids: [id]}, {signal})) return instance
  const looked = await provider.lookedIn?.()
  throw new RunctlError('not_found', `there is no instance ${id} on ${provider.name}${looked ? ` in ${looked.place}` : ''}`, {
    next: [`runctl resources list --platform ${provider.name}`, ...(looked?.next ?? []), `runctl ${provider.name} create`],
    details: {instance_id: id, ...(looked ? {place: looked.place} : {})},
  })
}

/** The instance, if a command can be run on it now; else `wrong_state` with the command that gets it there. */
export async function findRunningInstance(id: string, deps: Pick<PlatformDeps, 'provider' | 'signal'>): Promise<Instance> {
  const instance = await findInstance(id, deps)
  if (instance.state === 'running') return instance
  throw notRunning(instance)
}

export function notRunning(instance: Instance): RunctlError {
  const {id, platform, state} = instance
  const next: Record<Instance['state'], readonly string[]> = {
    pending: [`runctl ${platform} wait ${id}`],
    running: [],
    stopping: [`runctl ${platform} wait ${id} --for stopped`, `runctl ${platform} start ${id} --wait`],
    stopped: [`runctl ${platform} start ${id} --wait`],
    'shutting-down': [`runctl ${platform} create`],
    terminated: [`runctl ${platform} create`],
  }
  const why = instance.stateReason ? ` (${instance.stateReason})` : ''
  return new RunctlError('wrong_state', `instance ${id} is not ready: it is ${state}${why}, not running`, {
    next: next[state],
    details: {instance_id: id, state, state_reason: instance.stateReason},
  })
}
