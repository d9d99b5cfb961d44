import type {CallOptions, Check, CheckTarget, CreateInstanceRequest, CreatePlan, Instance, InstanceQuery, Pricing, Provider, ProviderEnvironment, RunctlError, SelfStop, Shell, Suggestion} from 'runctl'
import path from 'node:path'

import {sshChecks} from './checks.js'
import {Claims} from './claims.js'
import {KnownHosts} from './known-hosts.js'
import {codeOf, type Look, Machines} from './machines.js'
import {SELF_STOP} from './self-stop.js'
import {aliasesIn, userConfigFile} from './ssh-config.js'
import {readSettings, type SshSettings} from './settings.js'
import {SshShell} from './ssh-shell.js'

/** Connections are opened side by side, not all of a rack at once. */
const MOST_AT_ONCE = 16
const GOES_DOWN_MS = 60_000
const LOOK_AGAIN_MS = 250

/** Machines that people have: each is an instance by the name that ssh knows it by, and its record lies on it. docs/ssh.md tells the rules. */
export class SshProvider implements Provider {
  readonly name = 'ssh'
  readonly shell: Shell
  readonly pricing: Pricing
  readonly selfStop: SelfStop = SELF_STOP
  readonly #settings: SshSettings
  readonly #known: KnownHosts
  readonly #machines: Machines
  readonly #claims: Claims

  constructor(private readonly environment: ProviderEnvironment) {
    const settings = readSettings(environment)
    this.#settings = settings
    this.#known = new KnownHosts(path.join(environment.dataDir, 'ssh'))
    this.#known.remember(settings.hosts)
    this.#machines = new Machines(environment, settings)
    this.#claims = new Claims(this.#machines, settings, environment.RunctlError)
    this.shell = new SshShell(this.#machines, host => this.#require(host), environment.RunctlError)
    this.pricing = {
      hourlyPrice: ({id}) => {
        const usdPerHour = settings.usdPerHour(id)
        return Promise.resolve(usdPerHour === null ? null : {usdPerHour, source: 'config'})
      },
    }
  }

  async createInstance(request: CreateInstanceRequest, options: CallOptions = {}): Promise<Instance> {
    options.signal?.throwIfAborted()
    const instance = await this.#claims.claim(request, this.#candidates(request), this.#pool, options)
    this.#known.remember([instance.id])
    return instance
  }

  async planCreate(request: CreateInstanceRequest, options: CallOptions = {}): Promise<CreatePlan> {
    return this.#claims.plan(request, this.#candidates(request), options)
  }

  async *describeInstances(query: InstanceQuery, options: CallOptions = {}): AsyncIterable<Instance> {
    const {RunctlError} = this.environment
    if (query.filters) throw new RunctlError('bad_input', 'ssh has no filters of its own: --tag, --project, --owner and --state are for all platforms', {next: ['runctl resources list --platform ssh']})
    const tags = Object.entries(query.tags ?? {})
    const isMeant = ({state, tags: found}: Instance): boolean => (!query.states || query.states.includes(state)) && tags.every(([key, value]) => found[key] === value)
    const failures: unknown[] = []
    for await (const {error, look} of this.#looks(query.ids?.filter(id => this.#isKnown(id)) ?? this.#pool, options)) {
      if (look === null) failures.push(error)
      // Nobody has used it: it is asked for by its name alone.
      else if (!look.answers && look.record === null && this.#settings.wake(look.instance.id) === null) {
        if (query.ids) throw look.error
      } else if ((query.ids || look.record !== null) && isMeant(look.instance)) yield look.instance
    }
    if (failures.length > 0) throw failures[0]
  }

  async startInstance(id: string, options: CallOptions = {}): Promise<Instance> {
    let look = await this.#look(id, options)
    const deadline = performance.now() + GOES_DOWN_MS
    while (look.answers && look.instance.state === 'stopping' && performance.now() < deadline) {
      await pause(LOOK_AGAIN_MS, options.signal)
      look = await this.#look(id, options)
    }
    const {state} = look.instance
    if (state === 'running' || state === 'pending') return look.instance
    if (state === 'terminated') throw this.#wrongState(id, 'was released', [`runctl ssh create --host ${id}`], state)
    if (state === 'stopping') throw this.#wrongState(id, 'is still going down', [`runctl ssh status ${id}`], state)
    return this.#machines.wake(id, look, options)
  }

  async checkStop({id}: Pick<Instance, 'id'>): Promise<void> {
    if (this.#settings.suspend(id) !== null) return
    const how = `to have runctl stop it, say how: suspend = {"${id}" = "sudo -n systemctl suspend"} below [ssh] in the configuration, and wake for the way back`
    throw new this.environment.RunctlError('wrong_state', `${id} is a machine that runctl does not turn off; ${how}`, {next: ['runctl run list', `runctl ssh terminate ${id}`], details: {instance_id: id}})
  }

  async stopInstance(id: string, options: CallOptions = {}): Promise<Instance> {
    const look = await this.#look(id, options)
    const {state} = look.instance
    if (state === 'terminated') throw this.#wrongState(id, 'was released', [`runctl ssh create --host ${id}`], state)
    if (state === 'stopped' || state === 'stopping') return look.instance
    await this.checkStop({id})
    if (!look.answers) throw look.error
    return this.#machines.stop(id, options)
  }

  async terminateInstance(id: string, options: CallOptions = {}): Promise<Instance> {
    const look = await this.#look(id, options)
    if (look.instance.state === 'terminated') return look.instance
    if (!look.answers && this.#settings.wake(id) === null) throw look.error
    return this.#machines.release(id, look, options)
  }

  async setTags(id: string, tags: Readonly<Record<string, string>>, options: CallOptions = {}): Promise<void> {
    this.#require(id)
    this.#claims.checkTags(tags)
    this.#known.remember([id])
    await this.#machines.tag(id, tags, options)
  }

  async suggest(name: string): Promise<readonly Suggestion[]> {
    return name === 'host' ? this.#pool.map(value => ({value})) : []
  }

  checks({instanceId, instanceType}: CheckTarget): readonly Check[] {
    if (instanceType !== undefined) throw new this.environment.RunctlError('bad_input', 'ssh has no quotas of instance types to check', {next: ['runctl doctor --platform ssh']})
    return sshChecks(instanceId === undefined ? this.#settings.hosts : [instanceId], this.#machines, this.environment)
  }

  /** All that are ever connected to without being named. */
  get #pool(): readonly string[] {
    return [...new Set([...this.#settings.hosts, ...this.#known.remembered])]
  }

  #candidates({options = {}}: CreateInstanceRequest): readonly string[] {
    const {host} = options
    if (host === undefined) return this.#settings.hosts
    this.#require(String(host), 'bad_input')
    return [String(host)]
  }

  #isKnown(id: string): boolean {
    return this.#settings.hosts.includes(id) || this.#known.has(id, this.#settings.configFile ?? userConfigFile())
  }

  /** Throws for a host that nobody has named: no name that is only typed is connected to. */
  #require(id: string, code: 'bad_input' | 'not_found' = 'not_found'): void {
    if (this.#isKnown(id)) return
    const known = [...new Set([...this.#pool, ...aliasesIn(this.#settings.configFile ?? userConfigFile())])]
    const where = `a machine must stand as Host in ${this.#settings.configFile ?? '~/.ssh/config'}, or in hosts below [ssh] in the configuration`
    throw new this.environment.RunctlError(code, `there is no machine ${JSON.stringify(id)} for ssh: ${where}`, {next: known.length > 0 ? ['runctl ssh status'] : ['runctl config show'], details: {instance_id: id}})
  }

  async #look(id: string, options: CallOptions): Promise<Look> {
    options.signal?.throwIfAborted()
    this.#require(id)
    const look = await this.#machines.look(id, options)
    if (!look.answers && look.record === null && this.#settings.wake(id) === null) throw look.error
    return look
  }

  async *#looks(hosts: readonly string[], options: CallOptions): AsyncIterable<{readonly look: Look | null; readonly error: unknown}> {
    const unique = [...new Set(hosts)]
    for (let at = 0; at < unique.length; at += MOST_AT_ONCE) {
      options.signal?.throwIfAborted()
      const looks = await Promise.all(unique.slice(at, at + MOST_AT_ONCE).map(host => this.#machines.look(host, options).then(look => ({look, error: null}), (error: unknown) => ({look: null, error}))))
      options.signal?.throwIfAborted()
      const failed = looks.find(({error}) => error !== null && codeOf(error) === null)
      if (failed) throw failed.error
      yield* looks
    }
  }

  #wrongState(id: string, what: string, next: readonly string[], state: string): RunctlError {
    return new this.environment.RunctlError('wrong_state', `${id} ${what}`, {next, details: {instance_id: id, state}})
  }
}

async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  await new Promise(resolve => setTimeout(resolve, ms))
  signal?.throwIfAborted()
}
