/**
 * Every lifecycle event: what a step is given and what it may return. Public: a plugin lists its steps under `oclif.hooks`
 * in its package.json and types them with `RunctlHook<'event'>`. docs/hooks.md has the rules in words.
 */
import type {Interfaces} from '@oclif/core'

import type {Checkpoint} from '../model/checkpoint.js'
import type {Instance} from '../model/instance.js'
import type {AgentClient} from '../agent/client.js'
import type {RunctlError} from '../model/errors.js'
import type {CreateInstanceRequest, PlatformDefinition, Provider} from '../providers/provider.js'
import type {LastRun, RunStatus, StopReport} from '../agent/protocol.js'

/** Given to every step. A step must stop its work when `signal` aborts: its time is then over. */
// Type aliases, not interfaces: oclif wants options that fit an index signature.
export type StepContext = {
  readonly platform: string
  readonly provider: Provider
  readonly signal: AbortSignal
  /**
   * By section and name, what the configuration says in the sections that plugins declare (`runctl.settings` in package.json): `settings['notify']?.['url']`.
   * Only what is set.
   */
  readonly settings: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  /** To refuse with a code of runctl's and the next command to type. A plain Error does as well. */
  readonly RunctlError: typeof RunctlError
  /** A line for the person at the terminal (never on stdout). */
  note(message: string): void
}

export interface SaveResult {
  /** Something good is saved, or there was nothing to save. `false` keeps the instance running. */
  readonly ok: boolean
  readonly why: string | null
  readonly reports: readonly StopReport[]
  /** Complete checkpoints that exist on the instance's disk alone. */
  readonly only_here: readonly Checkpoint[]
  /** Where nothing was saved because nothing ran: the run before, for the tags. Absent: not known. */
  readonly last?: LastRun | null
}

/** A further checkpoint format. The Python module travels to the instance and judges there: docs/checkpoints.md says what it defines. */
export type CheckpointFormat = {
  readonly apiVersion: 1
  /** `[a-z][a-z0-9-]*` */
  readonly name: string
  /** Of file names, lower case, with the dot. Built-in ones cannot be replaced. */
  readonly extensions: readonly string[]
  /** Absolute path of the module on this machine. */
  readonly module: string
}

/** What a command or step of a plugin can use of the runctl that runs it. With it a plugin needs runctl's types alone. */
export interface RunctlApi {
  readonly apiVersion: number
  /** Of the package: `0.2.0`. */
  readonly version: string
  readonly RunctlError: typeof RunctlError
  /** As in StepContext. */
  settings(): Promise<StepContext['settings']>
  /** Names of the platforms that can be used, sorted. */
  platformNames(): Promise<readonly string[]>
  /** Rejects with `bad_input` for a name that nobody registered. The same provider each time. */
  openPlatform(name: string): Promise<Provider>
  /** Of the instance id's own platform. Rejects with `bad_input` where no platform knows the id. */
  openPlatformOf(instanceId: string): Promise<Provider>
  /** The agent on an instance. It is sent there with the first call, where it lacks. */
  connectAgent(provider: Provider, instanceId: string): AgentClient
  /** One word of a POSIX shell, whatever the text is. */
  quoteForShell(text: string): string
}

type Events = {
  /** Asked by a plugin's command, answered by runctl: `await this.config.runHook<'runctl-api', RunctlHooks>('runctl-api', {})`. Not for plugins to answer. */
  'runctl-api': {options: Record<string, never>; return: RunctlApi}
  /** Platforms that this plugin adds. Light: runs on every start of a command that needs a platform. */
  platforms: {options: Record<string, never>; return: readonly PlatformDefinition[]}
  /** Checkpoint formats that this plugin adds. Light, like `platforms`. */
  'checkpoint-formats': {options: Record<string, never>; return: readonly CheckpointFormat[]}
  precreate: {options: StepContext & {readonly request: CreateInstanceRequest}; return: void}
  postcreate: {options: StepContext & {readonly instance: Instance}; return: void}
  prestart: {options: StepContext & {readonly instance: Instance}; return: void}
  poststart: {options: StepContext & {readonly instance: Instance}; return: void}
  pretrain: {options: StepContext & {readonly instance: Instance; readonly run_id: string; readonly script: string; readonly args: readonly string[]}; return: void}
  posttrain: {options: StepContext & {readonly instance: Instance; readonly run: RunStatus}; return: void}
  prestop: {options: StepContext & {readonly instance: Instance}; return: void}
  'prestop-checkpoint': {
    options: StepContext & {readonly instance: Instance; readonly graceSeconds: number; readonly force: boolean; readonly requestId: string}
    return: SaveResult
  }
  poststop: {options: StepContext & {readonly instance: Instance; readonly saved: SaveResult | null}; return: void}
  preterminate: {options: StepContext & {readonly instance: Instance}; return: void}
  postterminate: {options: StepContext & {readonly instance: Instance; readonly saved: SaveResult | null}; return: void}
  'checkpoint-saved': {options: StepContext & {readonly instance: Instance; readonly run_id: string; readonly checkpoint: Checkpoint}; return: void}
  interrupted: {options: StepContext & {readonly instance: Instance; readonly run: RunStatus}; return: void}
  /** A limit of the instance (hours and dollars are `budget`) has ended a run that was followed. `detail`: a sentence. */
  'limit-reached': {options: StepContext & {readonly instance: Instance; readonly run: RunStatus | null; readonly limit: 'budget' | 'idle'; readonly detail: string | null}; return: void}
}

export type LifecycleEvent = keyof Events
export type EventOptions<E extends LifecycleEvent> = Events[E]['options']
export type EventReturn<E extends LifecycleEvent> = Events[E]['return']

/**
 * What a failing step does to what it accompanies. `veto`: nothing further happens (what is running keeps running);
 * `report`: it is shown and the exit status says so, but the thing itself is done or must be done all the same.
 */
export const EVENT_RULES: Readonly<Record<LifecycleEvent, {readonly onFailure: 'report' | 'veto'; readonly timeoutMs: number}>> = {
  'runctl-api': {onFailure: 'report', timeoutMs: 5000},
  platforms: {onFailure: 'report', timeoutMs: 5000},
  'checkpoint-formats': {onFailure: 'report', timeoutMs: 5000},
  precreate: {onFailure: 'veto', timeoutMs: 60_000},
  postcreate: {onFailure: 'report', timeoutMs: 60_000},
  prestart: {onFailure: 'veto', timeoutMs: 60_000},
  poststart: {onFailure: 'report', timeoutMs: 60_000},
  pretrain: {onFailure: 'veto', timeoutMs: 60_000},
  posttrain: {onFailure: 'report', timeoutMs: 60_000},
  prestop: {onFailure: 'veto', timeoutMs: 60_000},
  // The grace is added to this one.
  'prestop-checkpoint': {onFailure: 'veto', timeoutMs: 120_000},
  poststop: {onFailure: 'report', timeoutMs: 60_000},
  preterminate: {onFailure: 'veto', timeoutMs: 60_000},
  postterminate: {onFailure: 'report', timeoutMs: 60_000},
  'checkpoint-saved': {onFailure: 'report', timeoutMs: 30_000},
  interrupted: {onFailure: 'report', timeoutMs: 30_000},
  'limit-reached': {onFailure: 'report', timeoutMs: 30_000},
}

// A second hook map instead of module augmentation: the latter does not survive the next major of @oclif/core.
export interface RunctlHooks extends Interfaces.Hooks, Events {}
export type RunctlHook<E extends LifecycleEvent> = Interfaces.Hook<E, RunctlHooks>
