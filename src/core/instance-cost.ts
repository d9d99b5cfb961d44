import {isRunctlError} from '../model/errors.js'
import type {Instance} from '../model/instance.js'
import type {HourlyPrice} from '../providers/provider.js'
import type {PlatformDeps} from './platform-deps.js'

/** null where the price is not known, or cannot be had now: no machine is left running because a price list is out of reach. */
export async function hourlyPrice(instance: Instance, {provider, signal}: Pick<PlatformDeps, 'provider' | 'signal'>): Promise<HourlyPrice | null> {
  try {
    return (await provider.pricing?.hourlyPrice(instance, {signal})) ?? null
  } catch (error) {
    if (isRunctlError(error)) return null
    throw error
  }
}

/** US dollars since the instance was last launched, until it stopped if it has; null where the price or a time is unknown. */
export function costSinceLaunch(instance: Instance, price: HourlyPrice | null, now: Date): number | null {
  if (price === null) return null
  if (price.usdPerHour === 0) return 0
  if (instance.launchedAt === null) return null
  const runs = instance.state === 'running' || instance.state === 'pending'
  const end = runs ? now.getTime() : Date.parse(instance.stoppedAt ?? '')
  const ms = end - Date.parse(instance.launchedAt)
  if (Number.isNaN(ms)) return null
  return (price.usdPerHour * Math.max(0, ms)) / 3_600_000
}

/** `instance local-1a2b3c4d ($0.00/h)`: it stands behind the words `Still running:`. */
export function stillRunningSentence(instance: Instance, price: HourlyPrice | null): string {
  const cost = price === null ? 'price unknown' : `$${price.usdPerHour.toFixed(price.usdPerHour === 0 ? 2 : 3)}/h`
  return `instance ${instance.id} (${cost})`
}
