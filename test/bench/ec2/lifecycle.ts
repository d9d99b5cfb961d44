/** An instance's states over time, and its machine with them. */

import type {BenchInstance, InstanceStateName} from '../types.js'
import type {Ec2State} from './state.js'

export interface LifecycleOptions {
  /** A machine that does not start or stop is the bench's problem. */
  readonly onProblem: (error: unknown) => void
}

const USER_INITIATED = 'Client.UserInitiatedShutdown: User initiated shutdown'
const INSTANCE_INITIATED = 'Client.InstanceInitiatedShutdown: Instance initiated shutdown'

/** Each change may be overtaken by a later one; then it ends without a word. */
export class Lifecycle {
  readonly #state: Ec2State
  readonly #onProblem: LifecycleOptions['onProblem']
  /** What the machine of an instance is busy with. */
  readonly #work = new Map<string, Promise<void>>()
  readonly #generation = new Map<string, number>()

  constructor(state: Ec2State, options: LifecycleOptions) {
    this.#state = state
    this.#onProblem = options.onProblem
  }

  /** For a new instance (state `pending` already) and a stopped one. */
  start(instance: BenchInstance): void {
    const {world} = this.#state
    const generation = this.#begin(instance)
    instance.launchedAt = world.now()
    instance.stateReason = null
    instance.transitionReason = ''
    instance.spotNotice = null
    this.#change(instance, 'pending')
    void this.#after(instance, generation, world.times.pendingMs, () => world.machines.start(instance), () => this.#running(instance))
  }

  /** Running now, its agent online and known to everyone: for tests that begin in the middle. */
  async startAtOnce(instance: BenchInstance): Promise<void> {
    this.#begin(instance)
    await this.#state.world.machines.start(instance)
    this.#change(instance, 'running', 0)
    instance.onlineAt = this.#state.world.now()
  }

  async stopAtOnce(instance: BenchInstance): Promise<void> {
    this.#begin(instance)
    await this.#state.world.machines.stop(instance)
    instance.onlineAt = null
    instance.transitionReason = userInitiated(this.#state.world.now())
    this.#change(instance, 'stopped', 0)
  }

  /** As it is to look, at once and without a machine. */
  record(instance: BenchInstance, state: 'running' | 'stopped', stoppedAt: Date): void {
    this.#begin(instance)
    if (state === 'stopped') {
      instance.stateReason = USER_INITIATED
      instance.transitionReason = userInitiated(stoppedAt)
    }
    this.#change(instance, state, 0)
  }

  /** `reason`: why, where not the user; its code stands before the colon. */
  stop(instance: BenchInstance, reason: string = USER_INITIATED): void {
    const {world} = this.#state
    const generation = this.#begin(instance)
    this.#ending(instance, 'stopping', reason)
    void this.#after(instance, generation, world.times.stoppingMs, () => world.machines.stop(instance), () => {
      const request = this.#spotRequestOf(instance)
      if (request !== undefined) request.state = request.state === 'active' ? 'disabled' : request.state
      this.#change(instance, 'stopped')
    })
  }

  terminate(instance: BenchInstance, reason: string = USER_INITIATED): void {
    const {world} = this.#state
    const generation = this.#begin(instance)
    this.#ending(instance, 'shutting-down', reason)
    void this.#after(instance, generation, world.times.shuttingDownMs, () => world.machines.remove(instance), () => this.#terminated(instance))
  }

  /** The instance's own `shutdown`: what becomes of it was said when it was made. */
  powerOff(instance: BenchInstance): void {
    if (instance.state !== 'running' && instance.state !== 'pending') return
    const ends = instance.spot === 'one-time' || instance.request['InstanceInitiatedShutdownBehavior'] === 'terminate'
    if (ends) this.terminate(instance, INSTANCE_INITIATED)
    else this.stop(instance, INSTANCE_INITIATED)
  }

  /** When nothing is under way any more. */
  async settled(): Promise<void> {
    while (this.#work.size > 0) await Promise.all(this.#work.values())
  }

  #begin(instance: BenchInstance): number {
    const generation = (this.#generation.get(instance.id) ?? 0) + 1
    this.#generation.set(instance.id, generation)
    return generation
  }

  #running(instance: BenchInstance): void {
    const {world} = this.#state
    instance.onlineAt = new Date(world.now().getTime() + world.times.onlineMs)
    const request = this.#spotRequestOf(instance)
    if (request?.state === 'disabled') request.state = 'active'
    this.#change(instance, 'running')
  }

  #ending(instance: BenchInstance, state: InstanceStateName, reason: string): void {
    instance.onlineAt = null
    instance.stateReason = reason
    instance.transitionReason = reason === USER_INITIATED || reason === INSTANCE_INITIATED ? userInitiated(this.#state.world.now()) : (reason.split(': ')[1] ?? reason)
    this.#change(instance, state)
  }

  #terminated(instance: BenchInstance): void {
    const {world, volumes, addresses} = this.#state
    this.#state.detailsOf(instance).endedAt = world.now()
    for (const volume of volumes.values()) {
      if (volume.attachment?.instanceId !== instance.id) continue
      if (volume.attachment.deleteOnTermination) volumes.delete(volume.id)
      else volume.attachment = null
    }
    for (const address of addresses.values()) if (address.association?.instanceId === instance.id) address.association = null
    this.#change(instance, 'terminated')
    const request = this.#spotRequestOf(instance)
    if (request === undefined || request.state === 'cancelled') return
    if (request.kind === 'one-time') {
      request.state = 'closed'
      return
    }
    // EC2 replaces what a persistent request has lost.
    request.state = 'open'
    request.instanceId = null
    request.relaunch?.()
  }

  #spotRequestOf(instance: BenchInstance) {
    const id = this.#state.detailsOf(instance).spotRequestId
    return id === null ? undefined : this.#state.spotRequests.get(id)
  }

  #change(instance: BenchInstance, state: InstanceStateName, at?: number): void {
    const isNew = this.#state.detailsOf(instance).history.length === 0
    const previous = isNew ? null : instance.state
    instance.state = state
    this.#state.record(instance, at)
    this.#state.world.tellState(instance, previous)
  }

  /** Both the machine's work and the time must be over; machines do one thing at a time. */
  async #after(instance: BenchInstance, generation: number, ms: number, work: () => Promise<void>, done: () => void): Promise<void> {
    const elapsed = new Promise<void>((resolve) => this.#state.world.after(ms, resolve))
    const turn = (this.#work.get(instance.id) ?? Promise.resolve()).then(work).catch(this.#onProblem)
    this.#work.set(instance.id, turn)
    await turn
    if (this.#work.get(instance.id) === turn) this.#work.delete(instance.id)
    await elapsed
    if (this.#generation.get(instance.id) === generation) done()
  }
}

function userInitiated(now: Date): string {
  return `User initiated (${now.toISOString().replace('T', ' ').replace(/\.\d+Z$/, ' GMT')})`
}
