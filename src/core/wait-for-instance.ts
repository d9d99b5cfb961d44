import {RunctlError, isRunctlError} from '../model/errors.js'
import type {Instance, InstanceState} from '../model/instance.js'
import {findInstance, notRunning} from './find-instance.js'
import type {PlatformDeps} from './platform-deps.js'

type Deps = Pick<PlatformDeps, 'clock' | 'provider' | 'signal'>

export interface WaitInput {
  readonly instanceId: string
  /** `running` means that a command on the instance answers, not only that the platform says so. */
  readonly until: 'running' | 'stopped' | 'terminated'
  readonly timeoutMs: number
}

/** States from which the wanted one is never reached without another command. */
const HOPELESS: Record<WaitInput['until'], readonly InstanceState[]> = {
  running: ['stopping', 'stopped', 'shutting-down', 'terminated'],
  stopped: ['pending', 'running', 'shutting-down', 'terminated'],
  terminated: ['pending', 'running', 'stopping', 'stopped'],
}

/** Polls quickly first, then slower. Rejects with `timed_out`, or at once with `wrong_state` where waiting is in vain. */
export async function waitForInstance(input: WaitInput, deps: Deps): Promise<Instance> {
  const deadline = deps.clock.now().getTime() + input.timeoutMs
  for (let delayMs = 200; ; delayMs = Math.min(delayMs * 1.5, 5000)) {
    const instance = await findInstance(input.instanceId, deps)
    if (instance.state === input.until && (input.until !== 'running' || (await answers(input.instanceId, deps)))) return instance
    if (HOPELESS[input.until].includes(instance.state)) throw hopeless(instance, input.until)
    const leftMs = deadline - deps.clock.now().getTime()
    if (leftMs <= 0) {
      const but = instance.state === input.until ? 'no command on it answers yet' : `not ${input.until} yet`
      throw new RunctlError('timed_out', `instance ${input.instanceId} is ${instance.state}, but ${but} (waited ${input.timeoutMs / 1000} s)`, {
        next: [`runctl ${instance.platform} wait ${input.instanceId}`, `runctl ${instance.platform} status ${input.instanceId}`],
        details: {instance_id: input.instanceId, state: instance.state},
      })
    }
    await deps.clock.sleep(Math.min(delayMs, leftMs), deps.signal)
  }
}

function hopeless(instance: Instance, until: WaitInput['until']): RunctlError {
  if (until === 'running') return notRunning(instance)
  const verb = until === 'stopped' ? 'stop' : 'terminate'
  return new RunctlError('wrong_state', `instance ${instance.id} is ${instance.state} and nothing is making it ${until}`, {
    next: [`runctl ${instance.platform} ${verb} ${instance.id}`],
    details: {instance_id: instance.id, state: instance.state},
  })
}

async function answers(instanceId: string, {provider, signal}: Deps): Promise<boolean> {
  try {
    return (await provider.shell.run(instanceId, {script: 'exit 0', timeoutMs: 20_000, signal})).exitCode === 0
  } catch (error) {
    if (isRunctlError(error) && ['timed_out', 'unreachable', 'wrong_state'].includes(error.code)) return false
    throw error
  }
}
