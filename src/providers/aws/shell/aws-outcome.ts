import {readFailure} from '../call-aws-errors.js'

const THROTTLED = /^(Throttling|ThrottlingException|ThrottledException|TooManyRequestsException|RequestLimitExceeded|RateExceeded|SlowDown|RequestThrottled)$/

/** The request was turned away because there were too many. */
export function isThrottled(error: unknown): boolean {
  return THROTTLED.test(readFailure(error)?.name ?? '')
}

/** It never got to AWS. */
export function isUnsent(error: unknown): boolean {
  return /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH)$/.test(readFailure(error)?.networkCode ?? '')
}

/** Whether AWS acted on the request is not known: the connection was lost, no answer came in time, or something in between failed. */
export function isUncertain(error: unknown): boolean {
  const failure = readFailure(error)
  if (failure === null || isThrottled(error)) return false
  if (failure.networkCode !== null || /^(TimeoutError|NetworkingError|AbortError|SyntaxError)$/.test(failure.name)) return true
  return (failure.httpStatus ?? 0) >= 500
}

export const hasName = (error: unknown, ...names: string[]): boolean => names.includes(readFailure(error)?.name ?? '')
