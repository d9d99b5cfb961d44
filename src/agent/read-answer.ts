import {EXIT_CODES, RunctlError, type ErrorCode} from '../model/errors.js'
import type {AgentFailure} from './protocol.js'

/** The value of an answer line. Throws the agent's own failure as RunctlError; a plain Error for what is no answer, such as half of one. */
export function readAnswer<T>(line: string): T {
  const answer = parse<T>(line)
  if (isFailure(answer)) throw asRunctlError(answer)
  return answer
}

function parse<T>(line: string): AgentFailure | T {
  try {
    return JSON.parse(line) as AgentFailure | T
  } catch (error) {
    throw new Error(`the agent's answer of ${line.length} characters is not JSON`, {cause: error})
  }
}

function isFailure(answer: unknown): answer is AgentFailure {
  return typeof answer === 'object' && answer !== null && 'error' in answer
}

function asRunctlError({error}: AgentFailure): RunctlError {
  // A newer agent may know codes that this version does not.
  const code: ErrorCode = Object.hasOwn(EXIT_CODES, error.code) ? error.code : 'platform_failed'
  return new RunctlError(code, error.message, {details: error.details ?? {}})
}
