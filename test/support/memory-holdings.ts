import {RunctlError} from '../../src/model/errors.js'
import type {Holding, HoldingKind, Holdings} from '../../src/providers/provider.js'

export const sampleHolding = (over: Partial<Holding> = {}): Holding => ({
  id: 'vol-1', kind: 'volume', name: null, region: null, state: 'available', sizeGib: 100, type: 'gp3', createdAt: '2026-11-01T00:00:00Z', attachedTo: null, goesWithInstance: false,
  usdPerMonth: 8, priceSource: 'test', tags: {}, ...over,
})

/** Disks, snapshots and addresses in memory; each deletion goes into the journal. */
export class MemoryHoldings implements Holdings {
  readonly all = new Map<string, Holding>()
  lists = 0
  /** Called before each list: the place for what happens meanwhile. */
  onList: () => void = () => undefined

  constructor(private readonly journal: string[], ...holdings: readonly Holding[]) {
    for (const holding of holdings) this.all.set(holding.id, holding)
  }

  async *list(kinds: readonly HoldingKind[]): AsyncIterable<Holding> {
    this.lists++
    this.onList()
    for (const holding of [...this.all.values()]) if (kinds.includes(holding.kind)) yield holding
  }

  async delete({id, kind}: Pick<Holding, 'id' | 'kind'>): Promise<void> {
    this.journal.push(`delete ${kind} ${id}`)
    if (this.all.get(id)?.attachedTo) throw new RunctlError('wrong_state', `${id} is in use`)
    this.all.delete(id)
  }
}
