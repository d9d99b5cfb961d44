import {Args} from '@oclif/core'

import type {PlatformDeps} from '../core/platform-deps.js'
import {step} from '../core/progress.js'
import {isRunctlError, RunctlError} from '../model/errors.js'
import type {Rendered} from './base-command.js'
import {errorJson, type ErrorJson} from './error-json.js'
import {PlatformCommand} from './platform-command.js'
import {scopedProgress} from './scoped-progress.js'

/** In the place of the result of an instance with which something failed, where a command worked on several. */
export interface InstanceFailure {
  readonly instance_id: string
  readonly error: ErrorJson['error']
}

/** One id: the result itself. Several: an array in the order in which they were given, each once. */
export type OneOrSeveral<T> = T | readonly (InstanceFailure | T)[]

/** The ids that `start`, `stop`, `wait` and their like take. `ignoreStdin`: a missing one is an error, not something to read from a pipe. */
export const instanceIdsArg = Args.string({required: true, multiple: true, ignoreStdin: true, description: 'The instance, e.g. as `create` printed it. Several are worked on at once.'})

/** What the work on one instance has at hand. */
export interface OneOfThem {
  readonly id: string
  readonly deps: PlatformDeps
  readonly several: boolean
  /** Among several, a line of progress for this instance; alone, the work says more itself. */
  readonly line: <R>(title: string, work: () => Promise<R>) => Promise<R>
}

/** A verb that takes one id or several: all are worked on at once, and one that fails leaves the others alone. */
export abstract class InstancesCommand<T, Listed = never> extends PlatformCommand<Listed | OneOrSeveral<T>> {
  protected async onEach(given: readonly string[], work: (one: OneOfThem) => Promise<T>, render: (value: T) => string): Promise<Rendered<OneOrSeveral<T>>> {
    const ids = [...new Set(given)]
    const [only] = ids
    if (ids.length === 1 && only !== undefined) {
      const value = await work({id: only, deps: await this.deps(), several: false, line: async (_, run) => run()})
      return {value, text: render(value)}
    }
    const scopes = await Promise.all(ids.map(async id => {
      const footprint = this.newFootprint()
      return {id, deps: await this.platformDeps(this.platformName, {footprint, progress: scopedProgress(this.progress, id)})}
    }))
    const outcomes = await Promise.all(scopes.map(async ({deps, id}): Promise<{readonly value: T} | {readonly id: string; readonly error: unknown}> => {
      try {
        return {value: await work({id, deps, several: true, line: async (title, run) => step(this.progress, id, title, run)})}
      } catch (error) {
        return {id, error: this.withFootprint(naming(id, error), deps.footprint)}
      }
    }))
    this.signal.throwIfAborted()
    return {
      value: outcomes.map(outcome => ('error' in outcome ? failureJson(outcome.id, outcome.error) : outcome.value)),
      text: outcomes.flatMap(outcome => ('error' in outcome ? [] : [render(outcome.value)])).join('\n\n'),
      failures: outcomes.flatMap(outcome => ('error' in outcome ? [outcome.error] : [])),
    }
  }
}

const failureJson = (id: string, error: unknown): InstanceFailure =>
  ({instance_id: id, error: errorJson(error, isRunctlError(error) ? error.exitCode : 1).error})

/** Says which of several it is about. */
export function naming(id: string, error: unknown): unknown {
  if (!isRunctlError(error)) return error instanceof Error ? new Error(`${id}: ${error.message}`, {cause: error}) : error
  if (error.message.includes(id)) return error
  const {code, details, message, next, stillRunning} = error
  return new RunctlError(code, `${id}: ${message}`, {next, stillRunning, details, cause: error.cause})
}
