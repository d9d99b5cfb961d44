import type {CallOptions, CreateInstanceRequest, CreatePlan, Instance, RunctlError} from 'runctl'

import type {Machines} from './machines.js'
import type {MachineRecord} from './machine-record.js'
import type {SshSettings} from './settings.js'

const MAX_KEY_CHARACTERS = 128
const MAX_VALUE_CHARACTERS = 256

/** Which host becomes an instance. The host itself decides, under a lock, so that no two people get the same one. */
export class Claims {
  constructor(
    private readonly machines: Machines,
    private readonly settings: SshSettings,
    private readonly error: typeof RunctlError,
  ) {}

  async claim(request: CreateInstanceRequest, candidates: readonly string[], pool: readonly string[], options: CallOptions): Promise<Instance> {
    this.#check(request)
    const tags = request.name === undefined ? request.tags : {...request.tags, Name: request.name}
    this.checkTags(tags)
    const made = await this.#madeBefore(request.requestId, [...new Set([...candidates, ...pool])], options)
    if (made) return made
    const {limits} = request
    const claim = {
      request_id: request.requestId,
      tags,
      limits: limits ? {for_agent: limits.forAgent, hard: limits.hardSeconds, unattended: limits.unattendedSeconds} : null,
    }
    const refusals: string[] = []
    for (const host of candidates) {
      if (limits && this.settings.suspend(host) === null) {
        refusals.push(`${host} cannot stop itself, as limits want: no suspend command is configured for it below [ssh]`)
        continue
      }
      const outcome = await this.machines.claim(host, claim, options).catch((error: unknown) => {
        // Whether it was claimed is not known: it must be asked again with the same key.
        if (options.signal?.aborted || candidates.length === 1 || !isCertain(error)) throw error
        return {why: (error as Error).message}
      })
      if ('instance' in outcome) return outcome.isFresh ? {...outcome.instance, state: 'pending'} : outcome.instance
      refusals.push('taken' in outcome ? inUse(host, outcome.taken) : outcome.why)
    }
    throw this.#noHost(candidates, refusals)
  }

  async plan(request: CreateInstanceRequest, candidates: readonly string[], options: CallOptions): Promise<CreatePlan> {
    this.#check(request)
    const refusals: string[] = []
    for (const host of candidates) {
      const look = await this.machines.look(host, options)
      const isFree = look.answers && (look.record === null || look.record.state === 'terminated')
      if (!isFree) {
        refusals.push(look.record && look.answers ? inUse(host, look.record) : `${host} does not answer`)
        continue
      }
      const {facts} = look
      return {settings: {host, ...(facts ? {python: facts.python.join('.'), home: facts.home} : {})}, usdPerHour: this.settings.usdPerHour(host)}
    }
    throw this.#noHost(candidates, refusals)
  }

  checkTags(tags: Readonly<Record<string, string>>): void {
    for (const [key, value] of Object.entries(tags)) {
      if (key.length > 0 && key.length <= MAX_KEY_CHARACTERS && value.length <= MAX_VALUE_CHARACTERS) continue
      throw new this.error('bad_input', `a tag has a key of 1 to ${MAX_KEY_CHARACTERS} characters and a value of at most ${MAX_VALUE_CHARACTERS}: ${JSON.stringify(key.slice(0, MAX_KEY_CHARACTERS))}`)
    }
  }

  /** After a crash, or a lost answer: the same key is the same machine. */
  async #madeBefore(requestId: string, hosts: readonly string[], options: CallOptions): Promise<Instance | null> {
    const looks = await Promise.all(hosts.map(host => this.machines.look(host, options).catch((error: unknown) => {
      if (options.signal?.aborted) throw error
      return null
    })))
    return looks.find(look => look?.record?.request_id === requestId)?.instance ?? null
  }

  #check({instanceType, options = {}, requestId}: CreateInstanceRequest): void {
    if (!/^[\x21-\x7e]{1,64}$/.test(requestId)) throw new this.error('bad_input', 'a request id has 1 to 64 ASCII characters and no blanks')
    const unknown = Object.keys(options).find(name => name !== 'host')
    if (unknown !== undefined) throw new this.error('bad_input', `instances of the platform ssh have no --${unknown}`)
    if (instanceType === undefined || instanceType === 'ssh') return
    throw new this.error('bad_input', `a machine of the platform ssh is what it is: it takes no type ${JSON.stringify(instanceType)}; choose one with --host`, {next: ['runctl ssh create --help']})
  }

  #noHost(candidates: readonly string[], refusals: readonly string[]): RunctlError {
    if (candidates.length === 0) {
      const how = 'name one with --host, or list those that may be claimed: hosts = ["gpu-box"] below [ssh] in the configuration'
      return new this.error('bad_input', `no machine is named: ${how}`, {next: ['runctl config show']})
    }
    return new this.error('platform_failed', `no machine is free: ${refusals.join('; ')}`, {next: ['runctl ssh status']})
  }
}

/** Nothing was claimed there. */
function isCertain(error: unknown): boolean {
  const {code, details = {}} = error as {readonly code?: string; readonly details?: Readonly<Record<string, unknown>>}
  return code === 'platform_failed' || details['delivered'] === false
}

function inUse(host: string, {tags}: MachineRecord): string {
  const owner = tags['runctl:owner']
  return `${host} is in use${owner === undefined ? '' : ` by ${owner}`}${tags['Name'] === undefined ? '' : ` (${tags['Name']})`}`
}
