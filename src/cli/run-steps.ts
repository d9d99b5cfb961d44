import type {Interfaces} from '@oclif/core'

import type {EventInput, Lifecycle, StepFailure} from '../core/lifecycle.js'
import type {Progress} from '../core/progress.js'
import {EVENT_RULES, type CheckpointFormat, type EventOptions, type EventReturn, type LifecycleEvent, type SaveResult, type StepContext} from '../hooks/events.js'
import {isRunctlError, RunctlError} from '../model/errors.js'
import {isolated, tellStrayErrors} from './step-isolation.js'
import type {PlatformDefinition, Provider} from '../providers/provider.js'

interface HookRunner {
  /** Of the root plugin: runctl itself. */
  readonly name: string
  runHook: Interfaces.Config['runHook']
}

interface HookHost extends HookRunner {
  /** By name. */
  readonly plugins: ReadonlyMap<string, Pick<Interfaces.Plugin, 'hooks' | 'name' | 'root' | 'type'>>
}

interface Outcome<R> {
  readonly results: readonly {readonly plugin: string; readonly result: R}[]
  readonly failures: readonly StepFailure[]
}

/** After the deadline, or a Ctrl-C: how long a step that heeds its signal has to leave before oclif calls it failed, by its plugin's name. */
const LEAVE_MS = 250
/** And until nothing is waited for any more. */
const GIVE_UP_MS = 1000

/**
 * The one caller of oclif's runHook. oclif runs the steps of different plugins side by side, answers in order of completion, hides a plain
 * throw unless asked for it, and its own timeout cancels nothing and does not hold the process alive: so errors are captured, the deadline
 * is ours (and holds the process alive until it has passed), the steps get a signal, and the answers are sorted by plugin. oclif's
 * timeout comes after ours: it tells which plugin it was, and keeps what the others have answered.
 */
async function runEvent<E extends LifecycleEvent>(
  host: HookRunner,
  event: E,
  makeOptions: (signal: AbortSignal) => EventOptions<E>,
  timeoutMs: number,
  outer?: AbortSignal,
): Promise<Outcome<EventReturn<E>>> {
  const controller = new AbortController()
  const timers: NodeJS.Timeout[] = []
  const late = new RunctlError('step_failed', `a step of ${event} did not finish within ${timeoutMs / 1000} s`)
  let giveUp = (): void => undefined
  const overdue = new Promise<Outcome<EventReturn<E>>>(resolve => {
    giveUp = () => void timers.push(setTimeout(() => resolve({results: [], failures: [{plugin: 'unknown', error: late}]}), GIVE_UP_MS))
    timers.push(setTimeout(() => {
      controller.abort(late)
      giveUp()
    }, timeoutMs))
  })
  outer?.addEventListener('abort', giveUp, {once: true})
  const ran = (host.runHook as (event: string, options: unknown, timeout: number, captureErrors: boolean) => Promise<Interfaces.Hook.Result<EventReturn<E>>>)
    .call(host, event, makeOptions(controller.signal), timeoutMs + LEAVE_MS, true)
    .then(({failures, successes}) => ({
      results: successes.map(({plugin, result}) => ({plugin: plugin.name, result})).toSorted((a, b) => byName(a.plugin, b.plugin)),
      failures: failures.map(({error, plugin}) => ({plugin: plugin.name, error})).toSorted((a, b) => byName(a.plugin, b.plugin)),
    }))
  try {
    return await Promise.race([ran, overdue])
  } finally {
    outer?.removeEventListener('abort', giveUp)
    for (const timer of timers) clearTimeout(timer)
  }
}

const byName = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** Something that a plugin offers, and the plugin's name. */
export interface Offered<T> {
  readonly plugin: string
  readonly item: T
}

/**
 * The platforms that the built-in hooks and plugins offer, sorted by name; of the same name, the built-in one first. Failures are given
 * back: one bad plugin must not take the others along.
 */
export async function collectPlatforms(host: HookRunner): Promise<{readonly platforms: readonly Offered<PlatformDefinition>[]; readonly failures: readonly StepFailure[]}> {
  const {failures, items} = await collect<'platforms', PlatformDefinition>(host, 'platforms', isListOfPlatforms, 'platform definitions')
  return {platforms: items, failures}
}

/** The checkpoint formats that plugins offer, in the same order, with the same care. */
export async function collectCheckpointFormats(host: HookRunner): Promise<{readonly formats: readonly CheckpointFormat[]; readonly failures: readonly StepFailure[]}> {
  const {failures, items} = await collect<'checkpoint-formats', CheckpointFormat>(host, 'checkpoint-formats', isListOfFormats, 'checkpoint formats')
  return {formats: items.map(({item}) => item), failures}
}

async function collect<E extends 'checkpoint-formats' | 'platforms', T extends {readonly name: string}>(
  host: HookRunner,
  event: E,
  isRight: (result: unknown) => result is readonly T[],
  what: string,
): Promise<{readonly items: readonly Offered<T>[]; readonly failures: readonly StepFailure[]}> {
  const {failures, results} = await runEvent(host, event, () => ({}), EVENT_RULES[event].timeoutMs)
  const isOwn = ({plugin}: {readonly plugin: string}): boolean => plugin === host.name
  const answers: readonly {readonly plugin: string; readonly result: unknown}[] = [...results.filter(isOwn), ...results.filter(result => !isOwn(result))]
  const error = new RunctlError('step_failed', `its ${event} hook did not return a list of ${what}`)
  return {
    items: answers.flatMap(({plugin, result}) => (isRight(result) ? result.map(item => ({plugin, item})) : [])).toSorted((a, b) => byName(a.item.name, b.item.name)),
    failures: [...failures, ...answers.filter(({result}) => !isRight(result)).map(({plugin}) => ({plugin, error}))],
  }
}

function isListOfFormats(result: unknown): result is readonly CheckpointFormat[] {
  return Array.isArray(result) && result.every((one: Partial<CheckpointFormat> | null | undefined) =>
    typeof one?.name === 'string' && typeof one.module === 'string' && Array.isArray(one.extensions))
}

function isListOfPlatforms(result: unknown): result is readonly PlatformDefinition[] {
  return Array.isArray(result) && result.every((one: Partial<PlatformDefinition> | null | undefined) =>
    typeof one?.name === 'string' && typeof one.create === 'function' && typeof one.ownsInstanceId === 'function')
}

/** The same host with some of its plugins alone: oclif runs the hooks of those that it finds in `plugins`. */
function withPlugins(host: HookHost, isMeant: (plugin: Pick<Interfaces.Plugin, 'type'>) => boolean): HookHost {
  const plugins = new Map([...host.plugins].filter(([, plugin]) => isMeant(plugin)))
  return Object.create(host, {plugins: {value: plugins}}) as HookHost
}

const isAdded = ({type}: Pick<Interfaces.Plugin, 'type'>): boolean => type === 'user' || type === 'link'

export interface StepHost {
  readonly config: HookHost
  readonly provider: Provider
  readonly progress: Progress
  readonly signal: AbortSignal
  /** The sections of the configuration that plugins declare. */
  readonly settings?: StepContext['settings']
  /** false: runctl's own steps alone, in an emergency. */
  readonly pluginSteps?: boolean
  /** The command that leaves the steps of plugins out, for the advice where one of them fails. */
  readonly withoutPluginSteps?: string
  /** Told of each failure that the event's rule does not make a veto: the exit status must say so. */
  reportFailure(event: LifecycleEvent, failure: StepFailure): void
}

/** The lifecycle that use-cases see, over the hooks of oclif: runctl's own steps first, then those of plugins, side by side. */
export function createLifecycle(host: StepHost): Lifecycle {
  return {
    async run<E extends LifecycleEvent>(event: E, input: EventInput<E>, {force = false} = {}) {
      const plugins = [...host.config.plugins.values()].filter(({hooks}) => (hooks[event] ?? []).length > 0)
      const added = host.pluginSteps === false ? [] : plugins.filter(isAdded)
      const own = plugins.every(isAdded) ? [] : await runGroup(host, withPlugins(host.config, plugin => !isAdded(plugin)), event, input, force)
      if (added.length === 0) return own
      tellStrayErrors(added, (plugin, error) => tellFailure(host, event, {plugin, error}, `step of ${plugin}, beside what it was asked for: ${messageOf(error)}`))
      return [...own, ...(await isolated(() => runGroup(host, withPlugins(host.config, isAdded), event, input, force)))]
    },
  }
}

async function runGroup<E extends LifecycleEvent>(host: StepHost, group: HookHost, event: E, input: EventInput<E>, force: boolean): Promise<readonly EventReturn<E>[]> {
  const rule = EVENT_RULES[event]
  const graceMs = 'graceSeconds' in input ? Number(input.graceSeconds) * 1000 : 0
  let isOver = false
  const context = (signal: AbortSignal): StepContext => ({
    platform: host.provider.name,
    provider: host.provider,
    signal: AbortSignal.any([signal, host.signal]),
    settings: host.settings ?? {},
    RunctlError,
    // One that was given up has nothing to say any more.
    note: message => isOver || host.progress.emit({type: 'note', message}),
  })
  const given = frozenCopy(input)
  const {failures, results} = await runEvent(group, event, signal => ({...given, ...context(signal)}) as unknown as EventOptions<E>, rule.timeoutMs + graceMs, host.signal)
  isOver = true
  host.signal.throwIfAborted()
  const wrong = event === 'prestop-checkpoint' ? results.filter(({result}) => !isSaveResult(result)) : []
  const nonsense = wrong.map(({plugin}) => ({plugin, error: new RunctlError('step_failed', 'it did not say whether the instance may be stopped (a SaveResult)')}))
  for (const failure of [...failures, ...nonsense]) {
    const message = `step of ${failure.plugin} at ${event}: ${messageOf(failure.error)}`
    if (rule.onFailure === 'veto' && !force) throw vetoed(host, event, failure, message)
    tellFailure(host, event, failure, message)
  }
  return results.filter(one => !wrong.includes(one)).map(({result}) => result).filter(result => result !== undefined)
}

function tellFailure(host: StepHost, event: LifecycleEvent, failure: StepFailure, message: string): void {
  host.progress.emit({type: 'warning', message})
  host.reportFailure(event, failure)
}

/** Steps share what they are given: none changes it for the others. */
function frozenCopy<T>(value: T): T {
  const copy = structuredClone(value)
  const freeze = (part: unknown): void => {
    if (typeof part !== 'object' || part === null) return
    Object.freeze(part)
    for (const inner of Object.values(part)) freeze(inner)
  }
  freeze(copy)
  return copy
}

function isSaveResult(result: unknown): boolean {
  const {ok, only_here: onlyHere, reports, why} = (result ?? {}) as Partial<Record<keyof SaveResult, unknown>>
  return typeof ok === 'boolean' && (why === null || typeof why === 'string') && Array.isArray(reports) && Array.isArray(onlyHere)
}

/** A step that fails with an error of ours keeps its code (`unreachable`, `wrong_state`): the built-in steps are steps too. */
function vetoed(host: StepHost, event: LifecycleEvent, {error, plugin}: StepFailure, message: string): RunctlError {
  const wayOut = plugin !== host.config.name && host.withoutPluginSteps !== undefined ? [host.withoutPluginSteps] : []
  if (isRunctlError(error)) return new RunctlError(error.code, message, {next: [...error.next, ...wayOut], details: {...error.details, event, plugin}, cause: error})
  return new RunctlError('step_failed', message, {next: wayOut, details: {event, plugin}, cause: error})
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
