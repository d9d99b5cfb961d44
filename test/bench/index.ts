/** An AWS account on this machine, for the unmodified CLI and SDK: `AWS_ENDPOINT_URL` points at it. */

import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'

import {Calls} from './counts.js'
import {addAddress, addRecords, addSnapshot, addVolume, type WantedAddress, type WantedRecord, type WantedSnapshot, type WantedVolume} from './ec2/add.js'
import {createEc2, type Ec2} from './ec2/index.js'
import {makeInstances, planOf, type WantedInstance} from './ec2/launch.js'
import {interrupt, resumeInterrupted} from './ec2/spot.js'
import {setSpotPrice, type SpotPriceWish} from './ec2/spot-prices.js'
import {Faults} from './faults.js'
import {createIam} from './iam.js'
import {judgedServices} from './judge.js'
import {createMachines, type MachinesOptions} from './machines/index.js'
import {PricingService} from './pricing.js'
import {QuotasService} from './quotas.js'
import {S3Service} from './s3/index.js'
import {Endpoint} from './server.js'
import {SsmService} from './ssm/index.js'
import {createSts} from './sts.js'
import {Throttle} from './throttle.js'
import type {BenchInstance, BenchTimes, Fault, Machines, Service, ServiceName} from './types.js'
import {type AccessKey, World} from './world.js'

/** Quick, but every state can still be seen. */
const QUICK: BenchTimes = {pendingMs: 60, stoppingMs: 60, shuttingDownMs: 60, onlineMs: 60, lagMs: 0, deliveryMs: 5, invocationLagMs: 0}

export interface BenchOptions {
  readonly times?: Partial<BenchTimes>
  /** Added to each request, in milliseconds. */
  readonly latencyMs?: number
  /** EC2 limits calls as AWS does; absent: it takes any number. */
  readonly throttled?: boolean
  /**
   * EC2, IAM, S3 and STS are answered by another emulator, at this address; SSM and everything else by the bench, whose machines belong to the
   * other's instances. Everything begins with what the other one has: `addInstance` and `s3` put nothing there.
   */
  readonly judge?: {readonly url: string}
  /** Absent: real ones, of the best kind that this computer gives. */
  readonly machines?: Machines
  readonly kind?: Machines['kind']
  /** Of all machines. */
  readonly machine?: Pick<MachinesOptions, 'diskMib' | 'env' | 'shutdownGraceMs'>
}

export interface NewInstance extends WantedInstance {
  /** Default `running`, its agent online. */
  readonly state?: 'running' | 'stopped'
}

export interface AwsBench {
  readonly url: string
  /** For a process that shall use the bench and nothing of the user's own AWS settings. */
  readonly env: Readonly<Record<string, string>>
  readonly world: World
  readonly ec2: Ec2
  readonly s3: S3Service
  readonly calls: Calls
  /** The key in `env`, of the user `trainer`. */
  readonly key: AccessKey
  /** An instance that everyone knows already; gives its id. */
  addInstance(instance?: NewInstance): Promise<string>
  /** Instances as mere records, without machines, as many as wanted, for lists; gives their ids. */
  addMany(count: number, wanted?: (index: number) => WantedRecord): string[]
  /** Attached to nothing; gives its id, as the next two do. */
  addVolume(volume: WantedVolume): string
  addSnapshot(snapshot: WantedSnapshot): string
  addAddress(address?: WantedAddress): string
  /** What a type costs as spot in a zone from a moment on. */
  setSpotPrice(wish: SpotPriceWish): void
  instance(id: string): BenchInstance
  /** The spot notice now, the end after `noticeMs`. */
  interrupt(id: string, noticeMs: number): void
  /** EC2 starts again what an interruption has stopped. */
  resume(id: string): void
  /** The function given back takes the fault away. */
  inject(fault: Fault): () => void
  /** The environment of a process that uses another key. */
  envFor(key: AccessKey): Readonly<Record<string, string>>
  /** @throws AggregateError of what went wrong within the bench itself. */
  close(): Promise<void>
}

export async function startAwsBench(options: BenchOptions = {}): Promise<AwsBench> {
  const folder = await mkdtemp(join(tmpdir(), 'runctl-aws-'))
  const endpoint = new Endpoint()
  const socketPath = join(folder, 'endpoint.sock')
  const problems: unknown[] = []
  const onProblem = (error: unknown): void => void problems.push(error)
  const world = new World({times: {...QUICK, ...options.times}, region: 'us-east-1', endpointPort: await endpoint.listen(socketPath), socketPath})
  world.addInstanceProfile('runctl-instance').createdAt.setTime(0)
  const machineOptions: MachinesOptions = {
    root: folder, endpointPort: world.endpointPort, endpointSocket: socketPath, imds: world, ...(options.kind && {kind: options.kind}), ...options.machine,
    sudo: () => world.sudo,
    // A foreign emulator has no word for it: its instances only lose what they ran.
    onPowerOff: (id) => options.judge === undefined && ec2.lifecycle.powerOff(find(id)),
  }
  world.machines = options.machines ?? (await createMachines(machineOptions))

  const ec2 = createEc2(world, {onProblem})
  const s3 = new S3Service({world, folder: join(folder, 's3')})
  const services: readonly Service[] = [ec2.service, s3, new SsmService(world), createSts(world), createIam(world), new PricingService(), new QuotasService(world)]
  const faults = new Faults()
  const calls = new Calls()
  const judged = options.judge === undefined ? [] : judgedServices(services, world, options.judge.url)
  const byName = new Map<ServiceName, Service>([...services, ...judged].map((service) => [service.name, service]))
  const throttle = options.throttled === true ? new Throttle(() => world.now()) : null
  endpoint.serve({throttle, world, services: byName, faults, calls, latencyMs: options.latencyMs ?? 0, onProblem})

  const url = `http://127.0.0.1:${world.endpointPort}`
  const key = world.addUser('trainer')
  const find = (id: string): BenchInstance => {
    const instance = world.instances.get(id)
    if (instance === undefined) throw new Error(`the bench has no instance ${id}`)
    return instance
  }
  const envFor = (used: AccessKey) => environment(url, world.region, used, folder)
  return {
    url, world, ec2, s3, calls, key, envFor,
    env: envFor(key),
    instance: find,
    addInstance: (instance = {}) => addInstance(ec2, instance),
    addMany: (count, wanted = () => ({})) => addRecords(ec2, count, wanted),
    addVolume: (volume) => addVolume(ec2.state, volume).id,
    addSnapshot: (snapshot) => addSnapshot(ec2.state, snapshot).id,
    addAddress: (address = {}) => addAddress(ec2.state, address).id,
    setSpotPrice: (wish) => setSpotPrice(ec2.state, wish),
    interrupt: (id, noticeMs) => interrupt(ec2.state, ec2.lifecycle, find(id), noticeMs),
    resume: (id) => resumeInterrupted(ec2.lifecycle, find(id)),
    inject: (fault) => faults.add(fault),
    close: async () => {
      world.close()
      await endpoint.close()
      await ec2.lifecycle.settled()
      await world.machines.close()
      await rm(folder, {recursive: true, force: true})
      if (problems.length > 0) throw new AggregateError(problems, `the bench had problems: ${problems.map(String).join('; ')}`)
    },
  }
}

function environment(url: string, region: string, key: AccessKey, folder: string): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: url,
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: key.id,
    AWS_SECRET_ACCESS_KEY: key.secret,
    ...(key.sessionToken !== null && {AWS_SESSION_TOKEN: key.sessionToken}),
    AWS_CONFIG_FILE: join(folder, 'no-config'),
    AWS_SHARED_CREDENTIALS_FILE: join(folder, 'no-credentials'),
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
  }
}

async function addInstance({state, lifecycle}: Ec2, wanted: NewInstance): Promise<string> {
  const [instance] = makeInstances(state, planOf(state, wanted), 1, lifecycle)
  if (instance === undefined) throw new Error('no instance was made')
  await lifecycle.startAtOnce(instance)
  if (wanted.state === 'stopped') await lifecycle.stopAtOnce(instance)
  return instance.id
}
