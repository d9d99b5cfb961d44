import type {ListedRow} from '../core/list-holdings.js'
import {formatHourly} from './money.js'
import {plural} from './plural.js'
import {sumWords} from './sum-words.js'

/** A sum in which the parts that nobody knows are counted. */
class Sum {
  known = 0
  unknown = 0

  add(usd: number | null, atLeast = 0): void {
    if (usd === null) this.unknown++
    this.known += usd ?? atLeast
  }

  get words(): string {
    return sumWords(this.known, this.unknown)
  }
}

/** Adds rows up as they go by. */
export class ResourceTotals {
  rows = 0
  private instances = 0
  private running = 0
  private readonly hourly = new Sum()
  private readonly spent = new Sum()
  private readonly disks = new Sum()
  private readonly kinds = {volume: 0, snapshot: 0, address: 0}
  private readonly monthly = new Sum()
  private readonly unattached = new Sum()

  add(rows: readonly ListedRow[]): void {
    this.rows += rows.length
    for (const row of rows) {
      if (row.kind === 'instance') {
        this.instances++
        this.spent.add(row.estimated_cost, row.cost_at_least)
        if (row.state === 'terminated') continue
        this.disks.add(row.storage_usd_per_month)
        if (row.state !== 'running' && row.state !== 'pending') continue
        this.running++
        this.hourly.add(row.cost_per_hour)
      } else {
        this.kinds[row.kind]++
        this.monthly.add(row.storage_usd_per_month)
        if (row.kind !== 'snapshot' && row.attached_to === null) this.unattached.add(row.storage_usd_per_month)
      }
    }
  }

  /** A sentence each, of instances and of other things. Empty where there is nothing. */
  get lines(): readonly string[] {
    return [...(this.instances > 0 ? [this.ofInstances] : []), ...(this.rows > this.instances ? [this.ofOthers] : [])]
  }

  private get ofInstances(): string {
    const {known, unknown} = this.hourly
    const hourly = unknown === 0 ? formatHourly(known) : known === 0 ? `unknown (${unknown})` : `${formatHourly(known)} + unknown (${unknown})`
    const disks = this.disks.known > 0 ? `; their disks ${this.disks.words} a month` : ''
    return `${this.running} of ${plural(this.instances, 'instance')} running: ${hourly}, ${this.spent.words} so far${disks}`
  }

  private get ofOthers(): string {
    const counts = Object.entries(this.kinds).flatMap(([kind, count]) => (count === 0 ? [] : [plural(count, kind, kind === 'address' ? 'addresses' : `${kind}s`)]))
    const loose = this.unattached.known > 0 || this.unattached.unknown > 0 ? `, ${this.unattached.words} of it attached to nothing` : ''
    return `${counts.join(', ')}: ${this.monthly.words} a month${loose}`
  }
}
