import {RunctlError} from '../../model/errors.js'
import type {RehearsalStore} from '../../providers/provider.js'
import {createInstance} from '../create-instance.js'
import type {PlatformDeps} from '../platform-deps.js'
import type {TrainInput} from '../train.js'
import type {KillKind} from './kill-kinds.js'

export interface RehearseInput {
  /** What is run, as `train` takes it; what a drill decides by itself is left out. */
  readonly train: Omit<TrainInput, 'concurrent' | 'defaultOutput' | 'followed' | 'instanceId' | 'output' | 'readyTimeoutMs' | 'resume' | 'syncCode'>
  readonly seed: number
  readonly kills: number
  /** Not empty, each once. */
  readonly kinds: readonly KillKind[]
  /** For all of it. */
  readonly timeoutMs: number
  /** What the script may take to save when it is asked. */
  readonly graceMs: number
  /** Bytes that are not those of the reference are a failure. */
  readonly exact: boolean
  /** Leave the instances there are at the end. */
  readonly keep: boolean
  readonly requestId: string
  readonly owner: string
  readonly version: string
}

/** One drill: its instances, its deadline, its keys. Whatever it makes is counted here, so that all of it can be removed. */
export class Drill {
  /** In the order in which they were made, without those that were lost. */
  readonly instances: string[] = []
  private keys = 0
  private readonly deadline: number

  constructor(
    readonly input: RehearseInput,
    /** Use-cases report to it, but for what the drill says itself. */
    readonly deps: PlatformDeps,
    readonly rehearsalStore: RehearsalStore | null,
  ) {
    this.deadline = deps.clock.now().getTime() + input.timeoutMs
  }

  get leftMs(): number {
    return Math.max(0, this.deadline - this.deps.clock.now().getTime())
  }

  get nowMs(): number {
    return this.deps.clock.now().getTime()
  }

  newKey(): string {
    this.keys++
    return `${this.input.requestId.slice(0, 56)}-${this.keys}`
  }

  async createInstance(): Promise<string> {
    const {owner, train, version} = this.input
    const {instance} = await createInstance({
      requestId: this.newKey(), isOwnKey: true, name: 'rehearsal', instanceType: null, project: train.projectName, owner, version, wait: true, timeoutMs: this.leftMs,
    }, this.deps)
    this.instances.push(instance.id)
    return instance.id
  }

  /** At once, with its disk and whatever runs on it. Also after a Ctrl-C: nothing of a drill is to stay. */
  async removeInstance(id: string): Promise<void> {
    await this.deps.provider.terminateInstance(id)
    this.deps.footprint.forget(id)
    const at = this.instances.indexOf(id)
    if (at >= 0) this.instances.splice(at, 1)
  }

  checkTime(): void {
    if (this.leftMs === 0) throw new RunctlError('timed_out', `the rehearsal has not ended within ${this.input.timeoutMs / 1000} s`)
  }
}
