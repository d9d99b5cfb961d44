import {RunctlError, isRunctlError} from '../model/errors.js'
import type {Instance, InstanceState} from '../model/instance.js'
import {findInstance, notRunning} from './find-instance.js'
import {waitingHelps} from './patient-agent.js'
import type {PlatformDeps} from './platform-deps.js'

type Deps = Pick<PlatformDeps, 'clock' | 'provider' | 'signal'>

export interface WaitInput {
  readonly instanceId: string
  /** `running` means that a command on the instance answers, not only that the platform says so. */
  readonly until: 'running' | 'stopped' | 'terminated'
  readonly timeoutMs: number
  /** The platform's answer to the call that began the change: it is looked at first, and nobody is asked what it says already. */
  readonly after?: Instance
  /** Told each time what the platform says. */
  readonly onSeen?: (instance: Instance) => void
}

/** States from which the wanted one is never reached without another command. */
const HOPELESS: Record<WaitInput['until'], readonly InstanceState[]> = {
  running: ['stopping', 'stopped', 'shutting-down', 'terminated'],
  stopped: ['pending', 'running', 'shutting-down', 'terminated'],
  terminated: ['pending', 'running', 'stopping', 'stopped'],
}

/** What a platform says for a while that has not heard yet of the call which began the change. */
const OUTDATED: Record<WaitInput['until'], readonly InstanceState[]> = {
  running: ['stopping', 'stopped'],
  stopped: ['pending', 'running'],
  terminated: ['pending', 'running', 'stopping', 'stopped'],
}

/** How long that may last, in milliseconds. */
const OUTDATED_MS = 30_000
/** The same for an instance that another command may have created a moment ago. */
const UNHEARD_OF_MS = 3000

const FIRST_DELAY_MS = 1000
const LONGEST_DELAY_MS = 5000
const PROBE_TIMEOUT_MS = 30_000

/** Polls quickly first, then slower. Rejects with `timed_out`, or at once with `wrong_state` where waiting is in vain. */
export async function waitForInstance(input: WaitInput, deps: Deps): Promise<Instance> {
  const began = deps.clock.now().getTime()
  const passed = (): number => deps.clock.now().getTime() - began
  let instance = input.after ?? (await look(input, null, passed(), deps))
  for (let delayMs = FIRST_DELAY_MS; ; delayMs = Math.min(delayMs * 1.5, LONGEST_DELAY_MS)) {
    if (instance) input.onSeen?.(instance)
    if (instance?.state === input.until && (input.until !== 'running' || (await answers(input.instanceId, deps)))) return instance
    if (instance && HOPELESS[input.until].includes(instance.state) && !isOutdated(instance, input, passed())) throw hopeless(instance, input.until)
    const leftMs = input.timeoutMs - passed()
    if (leftMs <= 0) throw tooLate(instance, input, deps)
    await deps.clock.sleep(Math.min(delayMs, leftMs), deps.signal)
    instance = await look(input, instance, passed(), deps)
  }
}

/** What is known of it now; the last that was known where the platform has not heard of it yet. */
async function look({after, instanceId, until}: WaitInput, last: Instance | null, passedMs: number, deps: Deps): Promise<Instance | null> {
  try {
    return await findInstance(instanceId, deps)
  } catch (error) {
    const mayBeNew = passedMs < (after ? OUTDATED_MS : last === null && until === 'running' ? UNHEARD_OF_MS : 0)
    if (!mayBeNew || !isRunctlError(error) || error.code !== 'not_found') throw error
    return last
  }
}

const isOutdated = ({state}: Instance, {after, until}: WaitInput, passedMs: number): boolean =>
  after !== undefined && passedMs < OUTDATED_MS && OUTDATED[until].includes(state)

function tooLate(instance: Instance | null, {instanceId, timeoutMs, until}: WaitInput, {provider}: Deps): RunctlError {
  const but = instance === null ? 'not to be found' : instance.state === until ? `${instance.state}, but no command on it answers yet` : `${instance.state}, but not ${until} yet`
  return new RunctlError('timed_out', `instance ${instanceId} is ${but} (waited ${timeoutMs / 1000} s)`, {
    next: [`runctl ${provider.name} wait ${instanceId}`, `runctl ${provider.name} status ${instanceId}`],
    details: {instance_id: instanceId, state: instance?.state ?? null},
  })
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
    return (await provider.shell.run(instanceId, {script: 'exit 0', timeoutMs: PROBE_TIMEOUT_MS, signal})).exitCode === 0
  } catch (error) {
    if (isRunctlError(error) && ['timed_out', 'unreachable', 'wrong_state'].includes(error.code) && waitingHelps(error)) return false
    throw error
  }
}
