import {isRunctlError, type RunctlErrorOptions} from '../model/errors.js'
import {Detached} from './detached.js'

/** The one JSON document of a command that failed; docs/json/error.schema.json. */
export interface ErrorJson {
  readonly error: {
    readonly code: string
    readonly message: string
    readonly exit_code: number
    readonly still_running: readonly string[]
    readonly next: readonly string[]
    readonly details: Readonly<Record<string, unknown>>
  }
}

/** `left`: what the command has left behind, for an error that does not say so itself. */
export function errorJson(error: unknown, exitCode: number, left: Pick<RunctlErrorOptions, 'next' | 'stillRunning'> = {}): ErrorJson {
  const common = {exit_code: exitCode, still_running: left.stillRunning ?? [], next: left.next ?? [], details: {}}
  if (isRunctlError(error)) {
    const {code, details, message, next, stillRunning} = error
    return {error: {...common, code, message, still_running: stillRunning, next, details}}
  }
  if (error instanceof Detached) {
    return {error: {...common, code: 'detached', message: 'detached; what runs on the instance goes on', still_running: error.stillRunning, next: error.next}}
  }
  return {error: {...common, code: 'bug', message: error instanceof Error ? (error.stack ?? error.message) : String(error)}}
}
