import {setTimeout as delay} from 'node:timers/promises'

import type {AgentVerb} from '../../src/agent/protocol.js'
import type {ScriptedAgent} from './scripted-agent.js'
import type {MemoryProvider} from './memory-provider.js'

/** Long enough for what is begun at once to be begun. */
const ROUND_TRIP_MS = 15

/** Puts every call to a platform and its agents behind one round trip, and keeps which of them were under way together. */
export class CountedCalls {
  /** One entry a round trip: what was asked at once, in the order of its name. */
  readonly rounds: string[][] = []
  private current: {readonly names: string[]; readonly over: Promise<unknown>} | null = null

  constructor(provider: MemoryProvider, agent: ScriptedAgent) {
    for (const call of ['createInstance', 'startInstance', 'stopInstance', 'terminateInstance', 'setTags'] as const) {
      const original = provider[call].bind(provider) as (...args: unknown[]) => Promise<unknown>
      Object.assign(provider, {[call]: async (...args: unknown[]) => {
        await this.roundTrip(call)
        return original(...args)
      }})
    }
    const describe = provider.describeInstances.bind(provider)
    const roundTrip = (name: string): Promise<unknown> => this.roundTrip(name)
    provider.describeInstances = async function* (query) {
      await roundTrip('describe')
      yield* describe(query)
    }
    const {pricing} = provider
    if (pricing) provider.pricing = {hourlyPrice: async (instance, options) => {
      await this.roundTrip('price')
      return pricing.hourlyPrice(instance, options)
    }}
    const run = provider.shell.run.bind(provider.shell)
    provider.shell.run = async (id, request) => {
      await this.roundTrip('shell')
      return run(id, request)
    }
    const {handlers} = agent
    for (const verb of Object.keys(handlers) as AgentVerb[]) {
      const handler = handlers[verb] as (...args: unknown[]) => unknown
      Object.assign(handlers, {[verb]: async (...args: unknown[]) => {
        await this.roundTrip(`agent ${verb}`)
        return handler(...args)
      }})
    }
  }

  private roundTrip(name: string): Promise<unknown> {
    if (!this.current) {
      const names: string[] = []
      const over = delay(ROUND_TRIP_MS).then(() => {
        this.current = null
      })
      this.current = {names, over}
      this.rounds.push(names)
    }
    this.current.names.push(name)
    this.current.names.sort()
    return this.current.over
  }
}
