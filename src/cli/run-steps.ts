import type {Interfaces} from '@oclif/core'

import type {EventInput, Lifecycle, StepFailure} from '../core/lifecycle.js'
import type {Progress} from '../core/progress.js'
import {EVENT_RULES, type EventOptions, type EventReturn, type LifecycleEvent, type StepContext} from '../hooks/events.js'
import {isRunctlError, RunctlError} from '../model/errors.js'
import type {PlatformDefinition, Provider} from '../providers/provider.js'

interface HookHost {
  runHook: Interfaces.Config['runHook']
}

interface Outcome<R> {
  readonly results: readonly R[]
  readonly failures: readonly StepFailure[]
}

/**
 * The one caller of oclif's runHook. oclif runs the steps of different plugins side by side, answers in order of completion, hides a plain
 * throw unless asked for it, and its own timeout cancels nothing: so errors are captured, the deadline is ours (and holds the process
 * alive until it has passed), the steps get a signal, and the answers are sorted by plugin.
 */
async function runEvent<E extends LifecycleEvent>(
  host: HookHost,
  event: E,
  makeOptions: (signal: AbortSignal) => EventOptions<E>,
  timeoutMs: number,
): Promise<Outcome<EventReturn<E>>> {
  const controller = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const overdue = new Promise<Outcome<EventReturn<E>>>(resolve => {
    timer = setTimeout(() => {
      const error = new RunctlError('step_failed', `a step of ${event} did not finish within ${timeoutMs / 1000} s`)
      controller.abort(error)
      resolve({results: [], failures: [{plugin: 'unknown', error}]})
    }, timeoutMs)
  })
  const ran = (host.runHook as (event: string, options: unknown, timeout: undefined, captureErrors: boolean) => Promise<Interfaces.Hook.Result<EventReturn<E>>>)
    .call(host, event, makeOptions(controller.signal), undefined, true)
    .then(({failures, successes}) => ({
      results: successes.toSorted((a, b) => byName(a.plugin.name, b.plugin.name)).map(({result}) => result),
      failures: failures.map(({error, plugin}) => ({plugin: plugin.name, error})).toSorted((a, b) => byName(a.plugin, b.plugin)),
    }))
  try {
    return await Promise.race([ran, overdue])
  } finally {
    clearTimeout(timer)
  }
}

const byName = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** The platforms that the built-in hooks and plugins offer, sorted by name. Failures are given back: one bad plugin must not take the others along. */
export async function collectPlatforms(host: HookHost): Promise<{readonly platforms: readonly PlatformDefinition[]; readonly failures: readonly StepFailure[]}> {
  const {failures, results} = await runEvent(host, 'platforms', () => ({}), EVENT_RULES.platforms.timeoutMs)
  return {platforms: results.flat().toSorted((a, b) => byName(a.name, b.name)), failures}
}

export interface StepHost {
  readonly config: HookHost
  readonly provider: Provider
  readonly progress: Progress
  readonly signal: AbortSignal
  /** Told of each failure that the event's rule does not make a veto: the exit status must say so. */
  reportFailure(event: LifecycleEvent, failure: StepFailure): void
}

/** The lifecycle that use-cases see, over the hooks of oclif. */
export function createLifecycle(host: StepHost): Lifecycle {
  return {
    async run<E extends LifecycleEvent>(event: E, input: EventInput<E>, {force = false} = {}) {
      const rule = EVENT_RULES[event]
      const graceMs = 'graceSeconds' in input ? Number(input.graceSeconds) * 1000 : 0
      const context = (signal: AbortSignal): StepContext => ({
        platform: host.provider.name,
        provider: host.provider,
        signal: AbortSignal.any([signal, host.signal]),
        note: message => host.progress.emit({type: 'note', message}),
      })
      const {failures, results} = await runEvent(host.config, event, signal => ({...input, ...context(signal)}) as unknown as EventOptions<E>, rule.timeoutMs + graceMs)
      host.signal.throwIfAborted()
      for (const failure of failures) {
        const message = `step of ${failure.plugin} at ${event}: ${messageOf(failure.error)}`
        if (rule.onFailure === 'veto' && !force) throw vetoed(event, failure, message)
        host.progress.emit({type: 'warning', message})
        host.reportFailure(event, failure)
      }
      return results.filter(result => result !== undefined)
    },
  }
}

/** A step that fails with an error of ours keeps its code (`unreachable`, `wrong_state`): the built-in steps are steps too. */
function vetoed(event: LifecycleEvent, {error, plugin}: StepFailure, message: string): RunctlError {
  if (isRunctlError(error)) return new RunctlError(error.code, message, {next: error.next, details: {...error.details, event, plugin}, cause: error})
  return new RunctlError('step_failed', message, {details: {event, plugin}, cause: error})
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
