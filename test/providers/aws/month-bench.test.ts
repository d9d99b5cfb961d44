import {setMaxListeners} from 'node:events'
import {mkdtemp, readdir, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'

import {CreateBucketCommand} from '@aws-sdk/client-s3'
import {expect} from 'chai'

import type {PlatformDeps} from '../../../src/core/platform-deps.js'
import {AwsProvider} from '../../../src/providers/aws/aws-provider.js'
import {createClients, type AwsClients} from '../../../src/providers/aws/clients.js'
import type {AwsClock} from '../../../src/providers/aws/clock.js'
import {readAwsSettings} from '../../../src/providers/aws/instances/aws-settings.js'
import {recordedMachines, until} from '../../bench-self/with-bench.js'
import {startAwsBench, type AwsBench} from '../../bench/index.js'
import type {BenchInstance} from '../../bench/types.js'
import type {World} from '../../bench/world.js'
import {FakeDeps} from '../../support/fake-deps.js'
import {expectRowsAsBilled, expectSumsAsBilled, playMonth, type BillingEvent, type ListedPrice, type MonthMachine, type MonthRegion} from '../../support/month.js'

const BUCKET = 'runctl-month'
/** As AWS publishes them for the first region; the bench lists Ireland's a tenth higher. */
const ON_DEMAND = {'g5.xlarge': 1.006, 't3.large': 0.0832, 'g4dn.xlarge': 0.526}
const GP3_GIB_MONTH = 0.08
/** A limit, not a pause: the machine may be busy. */
const LIMIT_MS = 540_000

/** The account's clock is the only one: requests are signed by it, and waiting moves it. */
class Account implements AwsClock {
  readonly clients: AwsClients

  constructor(readonly bench: AwsBench, readonly recordsDir: string, readonly dataDir: string) {
    this.clients = signedBy(bench.world, createClients({env: bench.env, settings: {}}))
  }

  now = (): Date => this.bench.world.now()

  to(at: number): void {
    this.bench.world.clockOffsetMs += Math.max(0, at - this.now().getTime())
  }

  async sleep(ms: number): Promise<void> {
    this.bench.world.clockOffsetMs += ms
    await this.settled()
  }

  settled = (): Promise<void> => until(() => [...this.bench.world.instances.values()].every(({state}) => ['running', 'stopped', 'terminated'].includes(state)))
}

/** The SDK takes over AWS's clock from an answer that refuses a request, and asks once more after a pause. Here it knows before. */
function signedBy(world: World, clients: AwsClients): AwsClients {
  const inTime = <T extends {readonly config: {systemClockOffset: number}}>(client: () => Promise<T>) => async (): Promise<T> => {
    const made = await client()
    made.config.systemClockOffset = world.clockOffsetMs
    return made
  }
  return {
    ...clients, ec2: inTime(clients.ec2), iam: inTime(clients.iam), pricing: inTime(clients.pricing), quotas: inTime(clients.quotas), s3: inTime(clients.s3),
    ssm: inTime(clients.ssm), ssmOnce: inTime(clients.ssmOnce), sts: inTime(clients.sts),
    // The bucket is at home: sent on from another region by a server whose clock differs, the SDK asks eight times.
    inRegion: region => ({...signedBy(world, clients.inRegion(region)), s3: inTime(clients.s3)}),
  }
}

/** What the bench's EC2 did is the log; runctl sees its answers alone. */
class Region implements MonthRegion {
  readonly log: BillingEvent[] = []
  readonly prices: ListedPrice[]
  readonly gibMonth: number

  constructor(private readonly name: string, factor: number, private readonly account: Account) {
    this.prices = Object.entries(ON_DEMAND).map(([what, usd]) => ({at: -Infinity, what, usd: usd * factor}))
    this.gibMonth = GP3_GIB_MONTH * factor
    this.bench.world.onState((instance, previous) => this.hear(instance, previous === null))
  }

  private get bench(): AwsBench {
    return this.account.bench
  }

  private hear(instance: BenchInstance, isNew: boolean): void {
    const {state} = this.bench.ec2
    const {region, zone} = state.detailsOf(instance)
    if (region !== this.name) return
    const what = instance.state === 'pending' || (isNew && instance.state === 'running') ? 'running' : ({stopping: 'stopped', 'shutting-down': 'terminated'} as const)[instance.state as string]
    if (!what) return
    const disks = [...state.volumes.values()].filter(({attachment}) => attachment?.instanceId === instance.id)
    this.log.push({
      at: this.account.now().getTime(), id: instance.id, what, type: instance.type, lifecycle: instance.spot === null ? 'on-demand' : 'spot', zone,
      diskGib: disks.reduce((gib, {sizeGib}) => gib + sizeGib, 0),
    })
  }

  /** As for a command of its own: another provider, which knows what the files of the one before say. */
  deps(): PlatformDeps {
    const {clients, dataDir, recordsDir} = this.account
    const fake = new FakeDeps(null)
    // As a command's: what it asks at once are many calls.
    setMaxListeners(0, fake.signal)
    // No machine is behind an instance: nobody trains, and nothing is saved.
    fake.scripted.handlers.status = () => ({runs: [], boot_id: 'b', now: ''})
    fake.lifecycle.answers['prestop-checkpoint'] = () => [{ok: true, why: null, reports: [], only_here: [], last: null}]
    const home = new AwsProvider({clients, clock: this.account, dataDir, settings: readAwsSettings({bucket: BUCKET})})
    const provider = this.name === this.bench.world.region ? home : home.inRegion(this.name)
    const {agent, cacheDir, createJournal, footprint, lifecycle, progress, signal} = fake
    return {agent, cacheDir, createJournal, footprint, lifecycle, progress, signal, provider, recordsDir, clock: this.account}
  }

  machines(): readonly MonthMachine[] {
    const {state} = this.bench.ec2
    const here = [...this.bench.world.instances.values()].filter(instance => instance.state !== 'terminated' && state.detailsOf(instance).region === this.name)
    return here.map(({id, spot, state: now, type}) => ({id, state: now, type, lifecycle: spot === null ? 'on-demand' : 'spot', endsOnly: spot === 'one-time'}))
  }

  /** What runctl asks for is one-time; others ask for what can be stopped. */
  options = (spot: boolean, gib: number) => (spot && gib % 3 > 0 ? null : {spot, 'root-gib': gib})

  async adopt(type: string, gib: number): Promise<string> {
    const tags = {'runctl:created-by': '1', 'runctl:project': 'p'}
    const zone = `${this.name}${gib % 2 === 0 ? 'a' : 'b'}`
    const [id = ''] = this.bench.addMany(1, () => ({type, zone, tags, spot: 'persistent', interruption: 'stop', disks: [{gib: gib - 50}, {gib: 50}]}))
    return id
  }

  stopOutside = (id: string): void => this.bench.ec2.lifecycle.stop(this.bench.instance(id))
  stopItself = (id: string): void => this.bench.ec2.lifecycle.powerOff(this.bench.instance(id))
  setType = (id: string, type: string): void => void Object.assign(this.bench.instance(id), {type})
  settled = (): Promise<void> => this.account.settled()

  /** In each zone another one. */
  setSpotPrice(type: string, usd: number, at: number): void {
    for (const [index, letter] of ['a', 'b', 'c', 'd', 'f'].entries()) {
      const zone = `${this.name}${letter}`
      const price = Number((usd * (1 + 0.15 * index)).toFixed(6))
      this.bench.setSpotPrice({type, zone, usd: price, at: new Date(at)})
      this.prices.push({at, what: `spot ${type} ${zone}`, usd: price})
    }
  }
}

describe('a month of an account of the bench', function () {
  this.timeout(LIMIT_MS)

  it('costs what AWS would bill, each machine and in all, by what AWS answers, in two regions', async () => {
    const folders = await mkdtemp(join(tmpdir(), 'runctl-month-'))
    const [dataDir, recordsDir] = [join(folders, 'data'), join(folders, 'records')]
    const bench = await startAwsBench({machines: recordedMachines(), times: {pendingMs: 0, stoppingMs: 0, shuttingDownMs: 0, onlineMs: 0}})
    try {
      // Spot prices are told from the first moment on; before it no request is made.
      bench.world.clockOffsetMs = Date.UTC(2026, 9, 26, 23, 59) - Date.now()
      for (const code of bench.world.quotas.keys()) bench.world.quotas.set(code, 10_000)
      const account = new Account(bench, recordsDir, dataDir)
      await (await account.clients.s3()).send(new CreateBucketCommand({Bucket: BUCKET}))
      const regions = [new Region('us-east-1', 1, account), new Region('eu-west-1', 1.1, account)]
      const happened = await playMonth(regions, {seed: 20_261_130, minutes: [20, 240], clockTo: at => account.to(at)})
      for (const [what, times] of Object.entries(happened)) expect(times, what).to.be.greaterThan(3)
      for (const region of regions) await expectRowsAsBilled(region)
      await expectSumsAsBilled(regions, happened)
      for (const call of ['DescribeInstances', 'DescribeSpotPriceHistory', 'DescribeVolumes', 'GetProducts']) expect(bench.calls.count(call), call).to.be.greaterThan(0)
      // What is gone is told by the bucket alone.
      expect(await readdir(recordsDir).catch(() => [])).to.deep.equal([])
    } finally {
      await bench.close()
      await rm(folders, {recursive: true})
    }
  })
})
