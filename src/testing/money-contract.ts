import type {Holding, Provider} from '../providers/provider.js'
import {HOLDING_KINDS} from '../model/holding-kinds.js'
import {check, checkEqual, checkRejects} from './assertions.js'
import type {ContractSubject} from './contract-subject.js'

/** A look into every region would take long where there are many. */
const MOST_REGIONS = 3

/** What must hold of prices, of what else is billed and of regions, by title. A platform without a facet has nothing to prove of it. */
export const MONEY_CONTRACT: Readonly<Record<string, (subject: ContractSubject) => Promise<void>>> = {
  async 'prices: are figures with a source, and never below nothing'(subject) {
    const {pricing} = subject.provider
    if (!pricing) return
    const {id} = await subject.create()
    const instance = await subject.settled(() => subject.describe(id), found => found !== undefined)
    check(instance !== undefined, 'a new instance is described')
    for (const price of [await pricing.hourlyPrice(instance), (await pricing.onDemandPrice?.(instance)) ?? null]) {
      if (price === null) continue
      check(Number.isFinite(price.usdPerHour) && price.usdPerHour >= 0, `an hour costs ${price.usdPerHour}`)
      check(price.source !== '', 'a price has a source')
      check(price.asOf === undefined || !Number.isNaN(Date.parse(price.asOf)), `asOf is a time: ${String(price.asOf)}`)
    }
  },

  async 'prices: of disks are told for instances that exist, and for no other'(subject) {
    const {pricing} = subject.provider
    if (!pricing?.diskPrices) return
    const {id} = await subject.create()
    const unknown = `${id.slice(0, -8)}0000000${id.endsWith('0') ? '1' : '0'}`
    const prices = await pricing.diskPrices([id, unknown, id])
    check([...prices.keys()].every(key => key === id), `prices of other instances: ${[...prices.keys()].join(', ')}`)
    for (const {gib, source, usdPerMonth} of prices.values()) {
      check(Number.isFinite(usdPerMonth) && usdPerMonth >= 0 && gib >= 0 && source !== '', `the disks cost ${usdPerMonth} for ${gib} GiB by ${JSON.stringify(source)}`)
    }
    checkEqual((await pricing.diskPrices([])).size, 0, 'prices of no instance')
  },

  async 'prices: over time are in order, and none is from before the start'(subject) {
    const {pricing} = subject.provider
    if (!pricing?.priceHistory) return
    const instance = await subject.create()
    const [from, to] = [new Date(Date.now() - 86_400_000), new Date()]
    const history = await pricing.priceHistory(instance, from, to)
    if (history === null) return
    const times = history.map(change => Date.parse(change.from))
    check(times.every((at, index) => at > (times[index - 1] ?? -Infinity)), `in order: ${history.map(change => change.from).join(', ')}`)
    check(times.every(at => at >= from.getTime() && at <= to.getTime()), 'every change is within the time that was asked for')
    check(history.every(({usdPerHour}) => Number.isFinite(usdPerHour) && usdPerHour > 0), 'every price is a figure above 0')
  },

  async 'what else is billed: is told once each, and what is in use is not deleted'(subject) {
    const {holdings} = subject.provider
    if (!holdings) return
    const {id} = await subject.create()
    const all = await held(subject.provider)
    checkEqual(all.length, new Set(all.map(({id, kind}) => `${kind} ${id}`)).size, 'things that are told more than once')
    for (const {kind, usdPerMonth} of all) {
      check(HOLDING_KINDS.includes(kind), `a kind: ${kind}`)
      check(usdPerMonth === null || (Number.isFinite(usdPerMonth) && usdPerMonth > 0), `a month of a ${kind} costs ${usdPerMonth}; unknown is null`)
    }
    // Of this case's own instance: nobody else's is ever tried.
    const used = all.find(({attachedTo}) => attachedTo === id)
    if (used) await checkRejects(holdings.delete(used), ['wrong_state'], `deleting a ${used.kind} in use`)
    const kind = all[0]?.kind
    if (kind !== undefined) checkEqual((await held(subject.provider, kind)).filter(holding => holding.kind !== kind).length, 0, `other things than a ${kind}`)
  },

  async 'regions: have different names, and each tells its own instances alone'(subject) {
    const {provider} = subject
    if (!provider.regions || !provider.inRegion) return
    const names = await provider.regions()
    checkEqual(names.length, new Set(names).size, 'regions of one name')
    const {id, region} = await subject.create()
    check(region !== null && names.includes(region), `${region ?? 'null'} is one of ${names.join(', ')}`)
    const at = async (name: string): Promise<boolean> => subject.settled(() => tells(provider.inRegion?.(name), id), found => found === (name === region))
    check(await at(region), `its own region tells of ${id}`)
    for (const name of names.filter(other => other !== region).slice(0, MOST_REGIONS)) check(!(await at(name)), `${name} tells of ${id}, which is in ${region}`)
  },
}

async function held(provider: Provider, ...kinds: readonly Holding['kind'][]): Promise<readonly Holding[]> {
  const found: Holding[] = []
  for await (const holding of provider.holdings?.list(kinds.length > 0 ? kinds : HOLDING_KINDS) ?? []) found.push(holding)
  return found
}

async function tells(provider: Provider | undefined, id: string): Promise<boolean> {
  for await (const found of provider?.describeInstances({ids: [id]}) ?? []) if (found.id === id) return true
  return false
}
