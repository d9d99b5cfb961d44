import {closedAt, costBetween, costUntil, type Cost} from '../model/cost.js'
import {isLaunchClosed, segmentsOf, storageInTags, type KnownPrices} from '../model/cost-of-instance.js'
import type {PriceChange} from '../model/cost-spot.js'
import type {Instance} from '../model/instance.js'
import type {DiskPrice, HourlyPrice} from '../providers/provider.js'
import {orUnknown} from './or-unknown.js'
import type {PlatformDeps} from './platform-deps.js'

type PriceDeps = Pick<PlatformDeps, 'clock' | 'provider' | 'signal'>

/** What an instance costs now, as far as it can be had. */
export interface InstancePrices {
  /** The machine, while it runs; null where unknown. */
  readonly hourly: HourlyPrice | null
  /** Its disks; null where unknown, or not asked because its tags tell. */
  readonly disks: Pick<DiskPrice, 'usdPerMonth'> & {readonly gib: number | null} | null
  /** Of a spot machine, since its launch; null: it cannot be had; absent: not needed. */
  readonly spot?: readonly PriceChange[] | null
}

/** null where the price is not known, or cannot be had now: no machine is left running because a price list is out of reach. */
export const hourlyPrice = (instance: Instance, {provider, signal}: Pick<PlatformDeps, 'provider' | 'signal'>): Promise<HourlyPrice | null> =>
  orUnknown(() => provider.pricing?.hourlyPrice(instance, {signal}))

/** `known`: the machine's price, where it was asked for already. */
export async function instancePrices(instance: Instance, deps: PriceDeps, known?: Promise<HourlyPrice | null>): Promise<InstancePrices> {
  const wanted = storageInTags(instance) === null ? [instance] : []
  const [hourly, disks, spot] = await Promise.all([known ?? hourlyPrice(instance, deps), diskPrices(wanted, deps), spotPrices(instance, deps)])
  return {hourly, disks: disks(instance), ...spot}
}

/** Of many at once: the disks of all in one question. */
export async function allPrices(instances: readonly Instance[], deps: PriceDeps): Promise<ReadonlyMap<string, InstancePrices>> {
  const disks = diskPrices(instances, deps)
  const prices = await Promise.all(instances.map(async instance => {
    const [hourly, spot, disksOf] = await Promise.all([hourlyPrice(instance, deps), spotPrices(instance, deps), disks])
    return [instance.id, {hourly, disks: disksOf(instance), ...spot}] as const
  }))
  return new Map(prices)
}

/** What the disks of each of these cost. */
async function diskPrices(instances: readonly Instance[], {provider, signal}: PriceDeps): Promise<(instance: Instance) => InstancePrices['disks']> {
  const {pricing} = provider
  if (!pricing) return () => null
  if (!pricing.diskPrices) return () => ({usdPerMonth: 0, gib: null})
  const ids = instances.filter(({state}) => state !== 'terminated').map(({id}) => id)
  const found = ids.length === 0 ? null : await orUnknown(() => pricing.diskPrices?.(ids, {signal}))
  return ({id}) => found?.get(id) ?? null
}

/** Only of one whose present launch is not told by its tags. */
export async function spotPrices(instance: Instance, {clock, provider, signal}: PriceDeps): Promise<Pick<InstancePrices, 'spot'>> {
  const {pricing} = provider
  if (instance.lifecycle !== 'spot' || instance.launchedAt === null || !pricing?.priceHistory || isLaunchClosed(instance)) return {}
  const from = new Date(instance.launchedAt)
  return {spot: await orUnknown(() => pricing.priceHistory?.(instance, from, clock.now(), {signal}))}
}

/** As the model takes them. */
export const knownPrices = ({disks, hourly, spot}: InstancePrices): KnownPrices =>
  ({hourly, storageUsdPerMonth: disks?.usdPerMonth ?? null, ...(spot === undefined ? {} : {spot})})

/** All that it has cost since it was created. */
export const costSoFar = (instance: Instance, prices: InstancePrices, now: Date): Cost => costUntil(segmentsOf(instance, knownPrices(prices), now), now)

/** US dollars since the instance was last launched, machine and disks, until it stopped if it has; null where a part is unknown. */
export function costSinceLaunch(instance: Instance, prices: InstancePrices, now: Date): number | null {
  if (isFree(prices)) return 0
  if (instance.launchedAt === null) return null
  const ran = segmentsOf(instance, knownPrices(prices), now).filter(({kind}) => kind !== 'stopped')
  return costBetween(closedAt(ran, now), new Date(instance.launchedAt), new Date(8.64e15)).usd
}

/** Nothing of it is ever billed. */
export const isFree = ({disks, hourly}: InstancePrices): boolean => hourly?.usdPerHour === 0 && disks?.usdPerMonth === 0

/** `instance local-1a2b3c4d ($0.00/h)`: it stands behind the words `Still running:`. */
export function stillRunningSentence(instance: Instance, price: HourlyPrice | null): string {
  const cost = price === null ? 'price unknown' : `$${price.usdPerHour.toFixed(price.usdPerHour === 0 ? 2 : 3)}/h`
  return `instance ${instance.id} (${cost})`
}
