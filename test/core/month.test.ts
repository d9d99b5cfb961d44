import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import path from 'node:path'
import {expect} from 'chai'

import {TAGS} from '../../src/model/instance.js'
import {BilledCloud} from '../support/billed-cloud.js'
import {FakeDeps} from '../support/fake-deps.js'
import {expectRowsAsBilled, expectSumsAsBilled, playMonth, type ListedPrice, type MonthMachine, type MonthRegion} from '../support/month.js'

class Region implements MonthRegion {
  readonly prices: ListedPrice[] = []
  readonly cloud: BilledCloud
  readonly fake = new FakeDeps(null)

  constructor(name: string, recordsDir: string) {
    this.cloud = new BilledCloud(name, this.fake.clock)
    Object.assign(this.fake, {provider: this.cloud, recordsDir})
    this.fake.scripted.handlers.status = () => ({runs: [], boot_id: 'b', now: ''})
    this.fake.lifecycle.answers['prestop-checkpoint'] = () => [{ok: true, why: null, reports: [], only_here: [], last: null}]
  }

  get log() {
    return this.cloud.log
  }

  get gibMonth(): number {
    return this.cloud.gibMonth
  }

  deps = (): FakeDeps => this.fake
  options = (spot: boolean, disk: number) => ({spot, disk})
  stopOutside = (id: string): void => this.cloud.outside(id, 'stopped')
  setType = (id: string, type: string): void => this.cloud.setType(id, type)

  machines(): readonly MonthMachine[] {
    const living = [...this.cloud.instances.values()].filter(({state}) => state !== 'terminated')
    return living.map(({id, instanceType, lifecycle, state}) => ({id, state, lifecycle, type: instanceType ?? '', endsOnly: false}))
  }

  /** The cloud tells no time, the machine's guard does. */
  stopItself(id: string): void {
    const tags = {...this.cloud.instances.get(id)?.tags, [TAGS.guard]: `stopped itself at ${this.fake.clock.now().toISOString()}: 8 hours were over`}
    this.cloud.tellsStops = false
    this.cloud.outside(id, 'stopped', {tags})
    this.cloud.tellsStops = true
  }

  setSpotPrice(type: string, usd: number, at: number): void {
    this.cloud.spotChanges.push({at, type, usd})
    this.prices.push({at, what: `spot ${type}`, usd})
  }

  setOnDemandPrice(type: string, usd: number, at: number): void {
    this.cloud.onDemand[type] = usd
    this.prices.push({at, what: type, usd})
  }
}

describe('a month of machines', () => {
  let recordsDir: string
  before(async () => {
    recordsDir = await mkdtemp(path.join(tmpdir(), 'runctl-month-'))
  })
  after(() => rm(recordsDir, {recursive: true}))

  it('costs what the cloud would bill, each machine and in all, over stops, starts, price changes, type changes and ends, in two regions', async () => {
    const regions = ['north', 'south'].map(name => new Region(name, recordsDir))
    const happened = await playMonth(regions, {
      seed: 20_261_130, minutes: [5, 85], clockTo: at => regions.forEach(({fake: {clock}}) => clock.advance(at - clock.now().getTime())),
    })
    for (const [what, times] of Object.entries(happened)) expect(times, what).to.be.greaterThan(3)
    for (const {prices} of regions) expect(prices.filter(({what}) => !what.startsWith('spot ')).length).to.be.greaterThan(3)
    for (const region of regions) await expectRowsAsBilled(region)
    // Those that are gone are gone from the platform too: only their records are left.
    for (const {cloud} of regions) for (const [id, {state}] of cloud.instances) if (state === 'terminated') cloud.instances.delete(id)
    await expectSumsAsBilled(regions, happened)
  })
})
