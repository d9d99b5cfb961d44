import {randomUUID} from 'node:crypto'
import {setTimeout as delay} from 'node:timers/promises'

import type {Instance, InstanceState} from '../model/instance.js'
import type {CreateInstanceRequest, Provider, ShellResult} from '../providers/provider.js'
import {ContractViolation} from './assertions.js'

export interface ContractOptions {
  /** Milliseconds for an instance to get from one state to another, its shell included. Default 60 s; clouds want ten minutes. */
  readonly transitionTimeoutMs?: number
  /** Milliseconds between two looks at an instance. Default 50; be kind to a cloud's rate limits. */
  readonly pollIntervalMs?: number
  /** Milliseconds for a script that does nothing of note to run and answer. Default 30 s. */
  readonly shellTimeoutMs?: number
  /** Milliseconds until every answer of the platform knows of a change. Default 10 s, and never more than a transition. */
  readonly consistencyTimeoutMs?: number
  /** A prefix in the provider's store in which the tests may write and delete: `s3://my-bucket/tests`. Without it the store is not tested. */
  readonly storeUri?: string
  /** Added to what every instance of the tests is created with: the type, tags that your account wants. */
  readonly request?: Omit<CreateInstanceRequest, 'requestId'>
}

/** One provider under test, and the instances that a case made with it. */
export class ContractSubject {
  private readonly created = new Set<string>()

  constructor(
    readonly provider: Provider,
    private readonly options: ContractOptions,
  ) {}

  request(more: Partial<CreateInstanceRequest> = {}): CreateInstanceRequest {
    const {request} = this.options
    return {requestId: `contract-${randomUUID()}`, ...request, ...more, tags: {...request?.tags, ...more.tags}}
  }

  async create(request = this.request()): Promise<Instance> {
    const instance = await this.provider.createInstance(request)
    this.created.add(instance.id)
    return instance
  }

  async createRunning(): Promise<Instance> {
    const {id} = await this.create()
    return this.untilAnswers(id)
  }

  async describe(id: string): Promise<Instance | undefined> {
    for await (const instance of this.provider.describeInstances({ids: [id]})) return instance
    return undefined
  }

  /** What `look` finds as soon as it is as wanted; what it found last, where that does not happen in the time that a platform may need to hear of a change. */
  async settled<T>(look: () => Promise<T>, isWanted: (found: T) => boolean): Promise<T> {
    const {consistencyTimeoutMs = 10_000, pollIntervalMs = 50, transitionTimeoutMs = 60_000} = this.options
    const deadline = performance.now() + Math.min(consistencyTimeoutMs, transitionTimeoutMs)
    for (;;) {
      const found = await look()
      if (isWanted(found) || performance.now() > deadline) return found
      await delay(pollIntervalMs)
    }
  }

  /** The instance's tags, once they are these. */
  async tags(id: string, wanted: Readonly<Record<string, string>>): Promise<Readonly<Record<string, string>>> {
    return this.settled(async () => (await this.describe(id))?.tags ?? {}, tags => Object.entries(wanted).every(([key, value]) => tags[key] === value))
  }

  async until(id: string, state: InstanceState): Promise<Instance> {
    let last: Instance | undefined
    return this.poll(
      async () => {
        last = await this.describe(id)
        return last?.state === state ? last : undefined
      },
      () => `${id} does not become ${state}; it is ${last?.state ?? 'not there'}`,
    )
  }

  /** Runs, and its shell answers. */
  async untilAnswers(id: string): Promise<Instance> {
    const instance = await this.until(id, 'running')
    const look = async (): Promise<true | undefined> => {
      const result = await this.sh(id, 'exit 0').catch(() => undefined)
      return result?.exitCode === 0 ? true : undefined
    }
    await this.poll(look, () => `the shell of ${id} does not answer`)
    return instance
  }

  async stop(id: string): Promise<Instance> {
    await this.provider.stopInstance(id)
    return this.until(id, 'stopped')
  }

  async start(id: string): Promise<Instance> {
    await this.provider.startInstance(id)
    return this.untilAnswers(id)
  }

  get shellTimeoutMs(): number {
    return this.options.shellTimeoutMs ?? 30_000
  }

  sh(id: string, script: string, stdin?: Uint8Array): Promise<ShellResult> {
    return this.provider.shell.run(id, {script, timeoutMs: this.shellTimeoutMs, ...(stdin ? {stdin} : {})})
  }

  /** Standard output as text, without the newline at its end. */
  async text(id: string, script: string): Promise<string> {
    const {exitCode, stdout, stderr} = await this.sh(id, script)
    if (exitCode !== 0) throw new ContractViolation(`a script ended with ${exitCode}: ${Buffer.from(stderr).toString()}`)
    return Buffer.from(stdout).toString().replace(/\n$/, '')
  }

  /** Nothing that a case made outlives it. */
  async cleanUp(): Promise<void> {
    await Promise.all([...this.created].map(id => this.provider.terminateInstance(id)))
  }

  private async poll<T>(look: () => Promise<T | undefined>, complaint: () => string): Promise<T> {
    const deadline = performance.now() + (this.options.transitionTimeoutMs ?? 60_000)
    for (;;) {
      const found = await look()
      if (found !== undefined) return found
      if (performance.now() > deadline) throw new ContractViolation(complaint())
      await delay(this.options.pollIntervalMs ?? 50)
    }
  }
}
