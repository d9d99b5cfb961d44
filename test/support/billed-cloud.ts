import type {Instance} from '../../src/model/instance.js'
import type {CreateInstanceRequest, Pricing} from '../../src/providers/provider.js'
import type {HandClock} from './hand-clock.js'
import {MemoryProvider, sampleInstance} from './memory-provider.js'
import type {BillingEvent} from './month.js'

export interface SpotChange {
  readonly at: number
  readonly type: string
  readonly usd: number
}

/** A region of a cloud that bills: it writes down what happens, and keeps price lists. What it would bill is for the test to say. */
export class BilledCloud extends MemoryProvider {
  readonly log: BillingEvent[] = []
  readonly spotChanges: SpotChange[] = []
  /** US dollars an hour, now. */
  readonly onDemand: Record<string, number> = {}
  /** US dollars a GiB and month, now. */
  gibMonth = 0.08
  readonly disks = new Map<string, number>()
  /** What the cloud tells of when a machine stopped: not where the machine powered itself off. */
  tellsStops = true
  private made = 0

  constructor(readonly region: string, private readonly clock: HandClock) {
    super([], null)
    this.pricing = this.prices
  }

  private get prices(): Pricing {
    return {
      hourlyPrice: async instance => {
        const usd = instance.lifecycle === 'spot' ? this.spotAt(instance.instanceType, this.clock.now().getTime()) : this.onDemand[instance.instanceType ?? '']
        return usd === undefined ? null : {usdPerHour: usd, source: instance.lifecycle === 'spot' ? 'spot-history' : 'pricing-api'}
      },
      priceHistory: async (instance, from, to) => {
        const changes = this.spotChanges.filter(({at, type}) => type === instance.instanceType && at > from.getTime() && at <= to.getTime())
        const first = this.spotAt(instance.instanceType, from.getTime())
        return [...(first === undefined ? [] : [{at: from.getTime(), usd: first}]), ...changes].map(({at, usd}) => ({from: new Date(at).toISOString(), usdPerHour: usd}))
      },
      diskPrices: async ids => new Map(ids.map(id => [id, {usdPerMonth: (this.disks.get(id) ?? 0) * this.gibMonth, gib: this.disks.get(id) ?? 0, source: 'pricing-api'}])),
    }
  }

  private spotAt(type: string | null, at: number): number | undefined {
    return this.spotChanges.filter(change => change.type === type && change.at <= at).at(-1)?.usd
  }

  override async createInstance(request: CreateInstanceRequest): Promise<Instance> {
    const id = `${this.region}-${++this.made}`
    const now = this.clock.now().toISOString()
    const lifecycle = request.options?.['spot'] === true ? 'spot' : 'on-demand'
    this.disks.set(id, Number(request.options?.['disk'] ?? 100))
    this.put(sampleInstance({
      id, region: this.region, state: 'running', name: request.name ?? null, tags: request.tags, lifecycle, instanceType: request.instanceType ?? 'small', createdAt: now, launchedAt: now,
    }))
    return this.write(id, 'running')
  }

  /** Somebody does it without us; a stop that the cloud tells no time of is one from within. */
  outside(id: string, what: 'running' | 'stopped' | 'terminated', over: Partial<Instance> = {}): void {
    this.change(id, what, over)
  }

  setType(id: string, instanceType: string): void {
    this.put({...this.get(id), instanceType})
  }

  override startInstance = async (id: string): Promise<Instance> => this.change(id, 'running')
  override stopInstance = async (id: string): Promise<Instance> => this.change(id, 'stopped')
  override terminateInstance = async (id: string): Promise<Instance> => this.change(id, 'terminated')

  private change(id: string, state: BillingEvent['what'], over: Partial<Instance> = {}): Instance {
    const now = this.clock.now().toISOString()
    const {stoppedAt: _, ...rest} = this.get(id)
    this.put({...rest, state, ...(state === 'running' ? {launchedAt: now} : this.tellsStops ? {stoppedAt: now} : {}), ...over})
    return this.write(id, state)
  }

  private write(id: string, what: BillingEvent['what']): Instance {
    const instance = this.get(id)
    this.log.push({at: this.clock.now().getTime(), id, what, type: instance.instanceType ?? '', lifecycle: instance.lifecycle, diskGib: this.disks.get(id) ?? 0})
    return instance
  }
}
