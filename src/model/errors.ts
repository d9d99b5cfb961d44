/**
 * The closed set of error codes and the exit status of each. Part of the public surface: see docs/errors.md.
 * 0 is success, 1 a bug in runctl, 130 a detach by Ctrl-C.
 */
export const EXIT_CODES = {
  /** Wrong flags, arguments, configuration or files: nothing was done. */
  bad_input: 2,
  /** An instance, run, checkpoint or file that does not exist. */
  not_found: 3,
  /** The thing exists but is in a state in which this cannot be done. */
  wrong_state: 4,
  /** Another run is active in the same project folder. */
  run_active: 5,
  /** The platform refused: permission, quota, capacity, credentials, an outage. */
  platform_failed: 6,
  /** The instance runs, but a command on it does not answer. */
  unreachable: 7,
  /** The time limit given by the user passed; what was started goes on. */
  timed_out: 8,
  /** No good checkpoint was saved, so nothing was stopped. */
  save_failed: 9,
  /** The training script itself failed. */
  training_failed: 10,
  /** The script's dependencies could not be installed. */
  dependencies_failed: 11,
  /** A checkpoint or file does not verify, or none that is good exists. */
  verification_failed: 12,
  /** A step of a plugin failed or refused. */
  step_failed: 13,
  /** It would cost more than the project's budget: nothing was made or started. */
  over_budget: 14,
} as const
export type ErrorCode = keyof typeof EXIT_CODES

export interface RunctlErrorOptions {
  /** What still exists and what it costs, a sentence each: `instance local-1a2b is still running ($0.00/h)`. */
  readonly stillRunning?: readonly string[]
  /** The exact next commands, most useful first. */
  readonly next?: readonly string[]
  /** Facts for programs, e.g. the script's own exit status. JSON values, snake_case keys. */
  readonly details?: Readonly<Record<string, unknown>>
  readonly cause?: unknown
}

const BRAND = Symbol.for('runctl.RunctlError')

/** An expected failure, told to the user as it is. Everything else that is thrown is a bug and keeps its stack. */
export class RunctlError extends Error {
  readonly code: ErrorCode
  readonly stillRunning: readonly string[]
  readonly next: readonly string[]
  readonly details: Readonly<Record<string, unknown>>
  /** Branded, so that the error of a plugin's own copy of this package is recognised too. */
  readonly [BRAND] = true

  constructor(code: ErrorCode, message: string, options: RunctlErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : {cause: options.cause})
    this.name = 'RunctlError'
    this.code = code
    this.stillRunning = options.stillRunning ?? []
    this.next = options.next ?? []
    this.details = options.details ?? {}
  }

  get exitCode(): number {
    // The error of a newer copy of this package may have a code that is not known here; it must never end as success.
    return Object.hasOwn(EXIT_CODES, this.code) ? EXIT_CODES[this.code] : 1
  }
}

export function isRunctlError(error: unknown): error is RunctlError {
  return typeof error === 'object' && error !== null && BRAND in error
}

/** The same error with more facts; used where a caller knows what still runs or what to do next. */
export function withContext(error: unknown, more: RunctlErrorOptions): unknown {
  if (!isRunctlError(error)) return error
  return new RunctlError(error.code, error.message, {
    stillRunning: [...error.stillRunning, ...(more.stillRunning ?? [])],
    next: [...error.next, ...(more.next ?? [])],
    details: {...error.details, ...more.details},
    cause: error.cause,
  })
}
