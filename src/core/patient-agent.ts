import {isRunctlError, type RunctlError} from '../model/errors.js'
import type {AgentPort} from './sync/agent-port.js'

/** The instance has certainly not got the call, because it takes none yet (or any more): repeating is safe. */
export function isUndelivered(error: unknown): error is RunctlError {
  return isRunctlError(error) && (error.code === 'unreachable' || error.code === 'wrong_state') && error.details['delivered'] === false
}

/** An agent that answers a call which did not arrive with `whenReady`, and then makes it once more. What `whenReady` rejects with ends the call. */
export function patientAgent(agent: AgentPort, whenReady: (error: RunctlError) => Promise<void>): AgentPort {
  let ready: Promise<void> | undefined
  return {
    maxInputBytes: agent.maxInputBytes,
    maxOutputBytes: agent.maxOutputBytes,
    async call(verb, request, options) {
      try {
        return await agent.call(verb, request, options)
      } catch (error) {
        if (!isUndelivered(error)) throw error
        await (ready ??= whenReady(error))
        return agent.call(verb, request, options)
      }
    },
  }
}
