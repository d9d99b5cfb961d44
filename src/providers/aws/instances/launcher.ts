import type {RunInstancesCommandOutput} from '@aws-sdk/client-ec2'

import {isRunctlError, RunctlError, withContext} from '../../../model/errors.js'
import {TAGS, type Instance} from '../../../model/instance.js'
import type {CreateInstanceRequest, CreatePlan} from '../../provider.js'
import {callAws, sendOptions} from '../call-aws.js'
import type {AwsClients} from '../clients.js'
import {asKnownInstance} from './as-instance.js'
import type {AwsSettings} from './aws-settings.js'
import type {AwsClock} from '../clock.js'
import {readLaunchWish, type LaunchWish} from './create-options.js'
import {checkRequestId, clientToken, CreateRequests} from './create-requests.js'
import type {InstanceDescriber} from './describe-instances.js'
import {nextPlace, nowhere, placesToTry, type Place} from './launch-attempts.js'
import {launchInput, rootGib, type Launch} from './launch-input.js'
import {checkFits, chooseImage, findImage, readImageParameters, type MachineImage} from './machine-image.js'
import {findMachineType, type MachineType} from './machine-type.js'
import {findNetwork, type Network} from './network.js'
import {isAboutProfile, noProfile, profileExists} from './profile-problem.js'
import {checkLimits} from '../self-stop/user-data.js'
import type {RecentChanges} from './recent-changes.js'
import {asTagList, checkTags} from './tags.js'
import {awsErrorName, untilVisible} from './until-visible.js'

/** How long EC2 may not know a group or profile that was made a moment ago. */
const NEW_LIMIT_MS = 60_000

interface Deps {
  readonly clients: AwsClients
  readonly settings: AwsSettings
  readonly describer: InstanceDescriber
  readonly recent: RecentChanges
  readonly clock: AwsClock
  /** US dollars an hour and where that is from, null where unknown. */
  readonly price: (
    wish: {readonly instanceType: string; readonly spot: boolean; readonly zone: string | null}, signal: AbortSignal | undefined,
  ) => Promise<{readonly usd: number; readonly source: string} | null>
}

interface Found {
  readonly image: MachineImage
  readonly type: MachineType
  readonly network: Network
}

/** Makes instances: finds out what is left open, then asks EC2 place by place. */
export class Launcher {
  private readonly requests: CreateRequests
  /** Creates of one process want the same things found out once. */
  private readonly found = new Map<string, Promise<Found>>()

  constructor(private readonly deps: Deps) {
    this.requests = new CreateRequests(deps.describer)
  }

  async create(request: CreateInstanceRequest, signal?: AbortSignal): Promise<Instance> {
    const {limits, tags, wish} = this.check(request)
    signal?.throwIfAborted()
    const [existing, found] = await Promise.all([this.requests.find(request.requestId, signal), this.find(wish, false, signal)]).catch((error: unknown) => {
      // Whatever became of a look-up, no instance was asked for.
      throw withContext(error, {details: {uncertain: false}})
    })
    if (existing) return existing
    const launch: Launch = {wish, tags, limits, image: found.image, network: found.network}
    const places = placesToTry(wish, found.network)
    const tried: Place[] = []
    let place: Place | null = places[0] ?? null
    let refusal: unknown
    while (place) {
      tried.push(place)
      try {
        return await this.launch(launch, place, {requestId: request.requestId, isFirst: tried.length === 1}, signal)
      } catch (error) {
        refusal = error
        place = nextPlace(places, place, error)
      }
    }
    throw nowhere(refusal, tried, wish)
  }

  async plan(request: CreateInstanceRequest, signal?: AbortSignal): Promise<CreatePlan> {
    const {limits, tags, wish} = this.check(request)
    signal?.throwIfAborted()
    const {image, network, type} = await this.find(wish, true, signal)
    const launch: Launch = {wish, tags, limits, image, network}
    const [place] = placesToTry(wish, network)
    const zone = wish.zone ?? null
    const input = launchInput(launch, {clientToken: request.requestId, subnet: network.subnet, spot: place?.spot ?? false})
    const [price, region] = await Promise.all([
      this.deps.price({instanceType: wish.instanceType, spot: wish.spot !== null, zone}, signal),
      this.deps.clients.region(),
      this.run({...input, DryRun: true}, signal).catch((error: unknown) => {
        if (awsErrorName(error) !== 'DryRunOperation') throw isAboutProfile(error) ? noProfile(wish.instanceProfile, error) : error
      }),
    ])
    return {settings: {...planSettings(launch, type, region), ...priceNote(price?.source)}, usdPerHour: price?.usd ?? null}
  }

  private check(request: CreateInstanceRequest): Pick<Launch, 'limits' | 'tags' | 'wish'> {
    checkRequestId(request.requestId)
    const name = request.name === undefined ? {} : {Name: request.name}
    const tags = {...request.tags, ...name, [TAGS.createRequest]: request.requestId}
    checkTags(tags)
    const limits = request.limits ?? null
    if (limits !== null) checkLimits(limits)
    return {tags, limits, wish: readLaunchWish(request, this.deps.settings)}
  }

  private find(wish: LaunchWish, dryRun: boolean, signal: AbortSignal | undefined): Promise<Found> {
    const {ami, instanceType, rootGib: size, securityGroups, subnet, zone} = wish
    const key = JSON.stringify([ami, instanceType, size, securityGroups, subnet, zone, dryRun])
    const found = this.found.get(key) ?? this.findOut(wish, dryRun, signal)
    this.found.set(key, found)
    found.catch(() => this.found.delete(key))
    return found
  }

  /** What is wrong with type or image is known before a security group is made. */
  private async findOut(wish: LaunchWish, dryRun: boolean, signal: AbortSignal | undefined): Promise<Found> {
    const {clients} = this.deps
    const checked = this.findImage(wish, signal).then(([type, image]) => {
      checkFits(image, type)
      rootGib({image, wish})
      return {type, image}
    })
    const [machine, network] = await Promise.all([checked, findNetwork(clients, wish, {dryRun, agreed: checked, signal})])
    return {...machine, network}
  }

  private async findImage({ami, instanceType}: LaunchWish, signal: AbortSignal | undefined): Promise<[MachineType, MachineImage]> {
    const {clients} = this.deps
    const type = findMachineType(clients, instanceType, signal)
    if (ami !== null) return Promise.all([type, findImage(clients, ami, signal)])
    const [found, parameters] = await Promise.all([type, readImageParameters(clients, signal)])
    return [found, await findImage(clients, chooseImage(parameters, found), signal)]
  }

  private async launch(launch: Launch, place: Place, request: {readonly requestId: string; readonly isFirst: boolean}, signal: AbortSignal | undefined): Promise<Instance> {
    const {clients, clock, recent} = this.deps
    const {instanceProfile} = launch.wish
    const token = clientToken(request.requestId, {isFirst: request.isFirst, ...place})
    const input = launchInput(launch, {clientToken: token, subnet: place.subnet, spot: place.spot})
    const isTooEarly = async (error: unknown): Promise<boolean> =>
      isAboutProfile(error) ? profileExists(clients, instanceProfile, signal) : awsErrorName(error) === 'InvalidGroup.NotFound' && launch.wish.securityGroups === null
    try {
      const {Instances} = await untilVisible(() => this.run(input, signal), isTooEarly, {clock, limitMs: NEW_LIMIT_MS, signal})
      const raw = Instances?.[0]
      const made = raw && asKnownInstance({...raw, Tags: raw.Tags?.length ? raw.Tags : asTagList(launch.tags)}, await clients.region())
      if (!made) throw new RunctlError('platform_failed', 'EC2 took the request but named no instance', {next: ['runctl resources list'], details: {uncertain: true}})
      recent.noteCreated(made)
      return made.instance
    } catch (error) {
      if (isAboutProfile(error)) throw noProfile(instanceProfile, error)
      if (awsErrorName(error) !== 'IdempotentParameterMismatch') throw error
      return this.findMade(request.requestId, error, signal)
    }
  }

  /** The same request made an instance before, with another image or zone than would be chosen now: that instance is the answer. */
  private findMade(requestId: string, mismatch: unknown, signal: AbortSignal | undefined): Promise<Instance> {
    const find = async (): Promise<Instance> => {
      const instance = await this.requests.find(requestId, signal)
      if (instance) return instance
      throw mismatch
    }
    return untilVisible(find, error => isRunctlError(error), {clock: this.deps.clock, limitMs: NEW_LIMIT_MS, signal})
  }

  private async run(input: ReturnType<typeof launchInput>, signal: AbortSignal | undefined): Promise<RunInstancesCommandOutput> {
    const [ec2, {RunInstancesCommand}] = await Promise.all([this.deps.clients.ec2(), import('@aws-sdk/client-ec2')])
    return callAws('ec2:RunInstances', signal, () => ec2.send(new RunInstancesCommand(input), sendOptions(signal)))
  }
}

function planSettings({image, network, tags, wish}: Launch, type: MachineType, region: string): Readonly<Record<string, string>> {
  const {spot} = wish
  const market = spot === null ? 'on-demand' : `spot${spot.maxPrice === null ? '' : `, at most $${spot.maxPrice}/h`}${spot.fallback === 'none' ? '' : ', else on-demand'}`
  return {
    region,
    type: `${type.name} (${type.summary})`,
    image: `${image.id} (${image.name}, ${image.architecture})`,
    market,
    ...(type.billsCredits ? {'CPU credits': 'unlimited: what is used above the baseline of the type is billed on top of the price'} : {}),
    subnet: network.summary.subnet,
    'security groups': network.summary.securityGroups,
    'instance profile': wish.instanceProfile,
    'root volume': `${rootGib({image, wish})} GiB gp3, encrypted`,
    ...(wish.dataGib === null ? {} : {'data volume': `${wish.dataGib} GiB gp3, encrypted, empty`}),
    ...(wish.keyName === null ? {} : {'key pair': wish.keyName}),
    tags: Object.entries(tags).map(([key, value]) => `${key}=${value}`).join(', '),
  }
}

/** A price of AWS's own needs no word. */
const priceNote = (source: string | undefined): Readonly<Record<string, string>> =>
  source?.startsWith('built-in') ? {'price from': `${source}: AWS's price list could not be asked`} : {}
