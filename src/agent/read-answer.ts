import {EXIT_CODES, RunctlError, type ErrorCode} from '../model/errors.js'
import type {AgentFailure} from './protocol.js'

/** The value of an answer line. Throws the agent's own failure as RunctlError. */
export function readAnswer<T>(line: string): T {
  const answer = JSON.parse(line) as AgentFailure | T
  if (isFailure(answer)) throw asRunctlError(answer)
  return answer
}

function isFailure(answer: unknown): answer is AgentFailure {
  return typeof answer === 'object' && answer !== null && 'error' in answer
}

function asRunctlError({error}: AgentFailure): RunctlError {
  // A newer agent may know codes that this version does not.
  const code: ErrorCode = error.code in EXIT_CODES ? error.code : 'platform_failed'
  return new RunctlError(code, error.message, {details: error.details ?? {}})
}
