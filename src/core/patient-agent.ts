import {isRunctlError, type RunctlError} from '../model/errors.js'
import type {AgentPort} from './sync/agent-port.js'

/** The instance has certainly not got the call, because it takes none yet (or any more): repeating is safe. */
export function isUndelivered(error: unknown): error is RunctlError {
  return isRunctlError(error) && (error.code === 'unreachable' || error.code === 'wrong_state') && error.details['delivered'] === false
}

/** An instance that takes no calls may well do so in a while; not where the provider knows better. */
export const waitingHelps = ({details}: RunctlError): boolean => details['waiting_helps'] !== false

/** An agent that answers a call which did not arrive with `whenReady`, and then makes it once more. What `whenReady` rejects with ends the call. */
export function patientAgent(agent: AgentPort, whenReady: (error: RunctlError) => Promise<void>): AgentPort {
  let ready: Promise<void> | undefined
  return {
    maxInputBytes: agent.maxInputBytes,
    maxOutputBytes: agent.maxOutputBytes,
    addedBytes: async verb => (await agent.addedBytes?.(verb)) ?? 0,
    async call(verb, request, options) {
      try {
        return await agent.call(verb, request, options)
      } catch (error) {
        if (!isUndelivered(error) || !waitingHelps(error)) throw error
        await (ready ??= whenReady(error))
        return agent.call(verb, request, options)
      }
    },
  }
}
