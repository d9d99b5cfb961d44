import type {Instance} from '../../model/instance.js'
import type {
  CallOptions, Check, CheckTarget, CreateInstanceRequest, CreatePlan, InstanceQuery, Provider, Setup, Suggestion,
} from '../provider.js'
import {awsChecks} from './checks/aws-checks.js'
import type {AwsClients} from './clients.js'
import {AwsHoldings} from './holdings/aws-holdings.js'
import {elsewhere, type AwsSettings} from './instances/aws-settings.js'
import {InstanceChanger} from './instances/change-instances.js'
import type {AwsClock} from './clock.js'
import {InstanceDescriber} from './instances/describe-instances.js'
import {Launcher} from './instances/launcher.js'
import {RecentChanges} from './instances/recent-changes.js'
import {AwsPricing, type KeptPrices} from './pricing/aws-pricing.js'
import {PriceCache} from './pricing/price-cache.js'
import {SpotHistoryCache} from './pricing/spot-history-cache.js'
import {enabledRegions} from './regions.js'
import {awsSuggestions} from './suggestions.js'
import {AwsSelfStop} from './self-stop/aws-self-stop.js'
import {AwsSetup} from './setup/aws-setup.js'
import {SsmShell} from './shell/ssm-shell.js'
import {S3Store} from './store/s3-store.js'

export interface AwsProviderDeps {
  readonly clients: AwsClients
  readonly settings: AwsSettings
  /** runctl's data folder, for prices. */
  readonly dataDir: string
  readonly clock: AwsClock
  /** Of another region's provider, to share; absent: own ones. */
  readonly kept?: KeptPrices
}

/** EC2 for instances, SSM for the shell, S3 for bytes, tags for state. */
export class AwsProvider implements Provider {
  readonly name = 'aws'
  readonly shell: SsmShell
  readonly store: S3Store
  readonly pricing: AwsPricing
  readonly holdings: AwsHoldings
  readonly selfStop: AwsSelfStop
  readonly setup: Setup
  private readonly describer: InstanceDescriber
  private readonly changer: InstanceChanger
  private readonly launcher: Launcher
  private readonly kept: KeptPrices

  constructor(private readonly deps: AwsProviderDeps) {
    const {clients, clock, dataDir, settings} = deps
    const now = (): Date => clock.now()
    const recent = new RecentChanges(now)
    const describer = new InstanceDescriber(clients, recent)
    this.describer = describer
    this.changer = new InstanceChanger({clients, describer, recent, clock})
    this.kept = deps.kept ?? {prices: new PriceCache(dataDir, now), spotHistory: new SpotHistoryCache(dataDir, now)}
    this.pricing = new AwsPricing({
      clients,
      kept: this.kept,
      now,
      zoneOf: async (id, signal) => (recent.last(id) ?? (await describer.find(id, signal)))?.zone ?? null,
    })
    this.holdings = new AwsHoldings({clients, pricing: this.pricing})
    this.launcher = new Launcher({clients, settings, describer, recent, clock, price: (wish, signal) => this.pricing.price(wish, signal)})
    const own = `s3://${settings.bucket}/runctl/`
    this.store = new S3Store({clients, ...(settings.bucket === null ? {scratch: null} : {scratch: `${own}tmp/`, records: own})})
    this.shell = new SsmShell({
      clients,
      store: this.store.scratch === null ? null : this.store,
      clock,
      async describe(id, signal) {
        const known = await describer.findSoon(id, signal)
        return known && {state: known.instance.state, profileArn: known.profileArn}
      },
    })
    this.selfStop = new AwsSelfStop(clients)
    this.setup = new AwsSetup({clients, clock, profileName: profileName(settings), bucket: settings.bucket})
  }

  createInstance(request: CreateInstanceRequest, {signal}: CallOptions = {}): Promise<Instance> {
    return this.launcher.create(request, signal)
  }

  planCreate(request: CreateInstanceRequest, {signal}: CallOptions = {}): Promise<CreatePlan> {
    return this.launcher.plan(request, signal)
  }

  describeInstances(query: InstanceQuery, {signal}: CallOptions = {}): AsyncIterable<Instance> {
    return this.describer.query(query, signal)
  }

  regions({signal}: CallOptions = {}): Promise<readonly string[]> {
    return enabledRegions(this.deps.clients, signal)
  }

  suggest(name: string, options: CallOptions = {}): Promise<readonly Suggestion[]> {
    return awsSuggestions(name, () => this.regions(options))
  }

  inRegion(region: string): AwsProvider {
    const {clients, settings} = this.deps
    return new AwsProvider({...this.deps, clients: clients.inRegion(region), settings: elsewhere(settings), kept: this.kept})
  }

  async lookedIn(): Promise<{readonly place: string; readonly next: readonly string[]}> {
    return {place: `${await this.deps.clients.region()} of this account`, next: ['export AWS_REGION=REGION', 'runctl config set aws.region REGION']}
  }

  /** The SDK notices by the date of answers where this machine's clock is off by minutes. */
  async now(): Promise<Date> {
    const {config} = await this.deps.clients.ec2()
    return new Date(this.deps.clock.now().getTime() + config.systemClockOffset)
  }

  startInstance(id: string, {signal}: CallOptions = {}): Promise<Instance> {
    return this.changer.change('start', id, signal)
  }

  stopInstance(id: string, {signal}: CallOptions = {}): Promise<Instance> {
    return this.changer.change('stop', id, signal)
  }

  checkStop({id, lifecycle}: Instance, {signal}: CallOptions = {}): Promise<void> {
    return lifecycle === 'spot' ? this.changer.checkStop(id, signal) : Promise.resolve()
  }

  terminateInstance(id: string, {signal}: CallOptions = {}): Promise<Instance> {
    return this.changer.change('terminate', id, signal)
  }

  setTags(id: string, tags: Readonly<Record<string, string>>, {signal}: CallOptions = {}): Promise<void> {
    return this.changer.setTags(id, tags, signal)
  }

  checks(target: CheckTarget): readonly Check[] {
    const {clients, clock, settings} = this.deps
    return awsChecks({
      clients,
      store: this.store,
      bucket: settings.bucket,
      profileName: profileName(settings),
      defaultType: settings.instanceType,
      now: () => clock.now(),
    }, target)
  }
}

/** The setting may be an ARN. */
const profileName = ({instanceProfile}: AwsSettings): string => instanceProfile.split('/').at(-1) ?? instanceProfile
