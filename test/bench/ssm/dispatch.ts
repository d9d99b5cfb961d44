/** Sends a command to its instances: so many at once, no further ones after so many errors, none after its time. */

import type {World} from '../world.js'
import type {Agent} from './agent.js'
import type {Command, Invocation} from './command.js'

const LONGEST_TIMER_MS = 2 ** 31 - 1

export function dispatch(command: Command, agentOf: (instanceId: string) => Agent, world: World): void {
  const unsent = [...command.invocations.values()]
  const most = amount(command.maxConcurrency, unsent.length)
  const tolerated = amount(command.maxErrors, unsent.length)
  let active = 0
  let errors = 0

  const sendMore = (): void => {
    if (errors > tolerated) {
      for (const invocation of unsent.splice(0)) invocation.end('Cancelled', 'Terminated', world.now())
    }
    while (active < Math.max(1, most)) {
      const invocation = unsent.shift()
      if (invocation === undefined) return
      if (invocation.ended) continue
      active += 1
      invocation.onEnd(() => {
        active -= 1
        if (isError(invocation)) errors += 1
        sendMore()
      })
      world.after(world.times.deliveryMs, () => {
        if (!invocation.ended) agentOf(invocation.instanceId).take(invocation)
      })
    }
  }
  sendMore()
  expire(command, agentOf, world)
}

/** The delivery's time, and that of delivery and run together, after which nothing is expected of an agent that is gone. */
function expire(command: Command, agentOf: (instanceId: string) => Agent, world: World): void {
  const end = (seconds: number, lost: (invocation: Invocation) => boolean): void => {
    world.after(Math.min(seconds * world.ssmSecondMs, LONGEST_TIMER_MS), () => {
      for (const invocation of command.invocations.values()) {
        if (invocation.ended || !lost(invocation)) continue
        agentOf(invocation.instanceId).drop(invocation)
        invocation.end('TimedOut', 'DeliveryTimedOut', world.now())
      }
    })
  }
  end(command.deliveryTimeoutS, ({status}) => status === 'Pending' || status === 'Delayed')
  end(command.deliveryTimeoutS + command.executionTimeoutS, (invocation) => !agentOf(invocation.instanceId).isRunning(invocation))
}

function isError({status, details}: Invocation): boolean {
  return status === 'Failed' || details === 'ExecutionTimedOut'
}

/** `10`, or `10%` of all. */
function amount(rate: string, all: number): number {
  return rate.endsWith('%') ? Math.floor((all * Number(rate.slice(0, -1))) / 100) : Number(rate)
}
