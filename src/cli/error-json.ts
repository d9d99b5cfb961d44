import {isRunctlError} from '../model/errors.js'
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

export function errorJson(error: unknown, exitCode: number): ErrorJson {
  const common = {exit_code: exitCode, still_running: [], next: [], details: {}}
  if (isRunctlError(error)) {
    const {code, details, message, next, stillRunning} = error
    return {error: {...common, code, message, still_running: stillRunning, next, details}}
  }
  if (error instanceof Detached) {
    const {next = [], stillRunning = []} = error as {next?: readonly string[]; stillRunning?: readonly string[]}
    return {error: {...common, code: 'detached', message: 'detached; what runs on the instance goes on', still_running: stillRunning, next}}
  }
  return {error: {...common, code: 'bug', message: error instanceof Error ? (error.stack ?? error.message) : String(error)}}
}
