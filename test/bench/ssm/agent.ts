/** The SSM agent of one instance, and what waits for it. */

import {type BenchInstance, MachineStopped, type ScriptOutcome} from '../types.js'
import type {World} from '../world.js'
import type {Invocation} from './command.js'

const WORKERS = 5
/** What an agent takes beyond what it runs; the rest waits at AWS. */
const TAKEN_BEYOND = 5
const REBOOT_CODE = 194
const TIMED_OUT_CODE = 137
const MOST_RUNS = 15
const LOOK_AGAIN_MS = 50

export class Agent {
  readonly #world: World
  readonly #instance: BenchInstance
  /** In the order of arrival: delivered but not running, then waiting at AWS. */
  #waiting: Invocation[] = []
  readonly #running = new Set<Invocation>()
  /** It was running when the machine stopped, and nobody knows what became of it. */
  readonly #interrupted = new Set<Invocation>()
  #registered = false
  #rebooting = false

  constructor(world: World, instance: BenchInstance) {
    this.#world = world
    this.#instance = instance
  }

  get isOnline(): boolean {
    const {state, onlineAt} = this.#instance
    return !this.#rebooting && state === 'running' && onlineAt !== null && onlineAt <= this.#world.now() && this.#world.mayUseSsm(this.#instance)
  }

  /** It has been online once, or is now, and the instance still exists. */
  get isManaged(): boolean {
    if (this.isOnline) this.#registered = true
    const gone = this.#instance.state === 'terminated' || this.#instance.state === 'shutting-down'
    return this.#registered && !gone && this.#world.mayUseSsm(this.#instance)
  }

  take(invocation: Invocation): void {
    this.#waiting.push(invocation)
    this.look()
  }

  /** Cancelled before it ran. */
  drop(invocation: Invocation): void {
    this.#waiting = this.#waiting.filter((each) => each !== invocation)
    this.#interrupted.delete(invocation)
  }

  isRunning(invocation: Invocation): boolean {
    return this.#running.has(invocation)
  }

  /** The instance will never be back. */
  giveUp(): void {
    for (const invocation of [...this.#waiting, ...this.#interrupted, ...this.#running]) invocation.end('Failed', 'Undeliverable', this.#world.now())
    this.#waiting = []
    this.#interrupted.clear()
  }

  /** Something may have changed: starts what can start. */
  look(): void {
    this.#waiting = this.#waiting.filter(({ended}) => !ended)
    if (!this.isOnline) {
      for (const invocation of this.#waiting) {
        if (invocation.status === 'Pending') invocation.status = invocation.details = 'Delayed'
      }
      return
    }
    this.#registered = true
    if (this.#world.redeliverAfterStart) {
      this.#waiting.unshift(...[...this.#interrupted].filter(({ended}) => !ended))
      this.#interrupted.clear()
    }
    while (this.#running.size < WORKERS) {
      const next = this.#waiting.shift()
      if (next === undefined) break
      void this.#work(next)
    }
    for (const invocation of this.#waiting.slice(0, TAKEN_BEYOND)) setInProgress(invocation)
  }

  async #work(invocation: Invocation): Promise<void> {
    this.#running.add(invocation)
    setInProgress(invocation)
    invocation.startedAt ??= this.#world.now()
    invocation.runs += 1
    try {
      const outcome = await this.#run(invocation)
      if (outcome.exitCode === REBOOT_CODE && !invocation.cancel.signal.aborted && invocation.runs < MOST_RUNS) await this.#reboot(invocation)
      else this.#report(invocation, outcome)
    } catch (error) {
      if (!(error instanceof MachineStopped)) throw error
      if (!invocation.ended) this.#interrupted.add(invocation)
      this.#lookAfter(LOOK_AGAIN_MS)
    }
    this.#running.delete(invocation)
    if (!this.#interrupted.has(invocation)) this.look()
  }

  /** Delivered twice, the script runs twice at once; what the first to end says is reported. */
  async #run({command, cancel}: Invocation): Promise<ScriptOutcome> {
    const options = {timeoutMs: command.executionTimeoutS * this.#world.ssmSecondMs, signal: cancel.signal}
    const first = this.#world.machines.run(this.#instance, command.script, options)
    if (!command.doubled) return first
    const second = this.#world.machines.run(this.#instance, command.script, options)
    for (const run of [first, second]) run.catch(() => {})
    return Promise.race([first, second])
  }

  #report(invocation: Invocation, outcome: ScriptOutcome): void {
    if (invocation.ended) return
    invocation.stdout = outcome.stdout
    invocation.stderr = outcome.stderr
    const preempted = outcome.timedOut || invocation.cancel.signal.aborted
    // The agent has no exit status of a process that a signal ended, but for its own kill.
    invocation.responseCode = outcome.signal === undefined || preempted ? outcome.exitCode : -1
    const now = this.#world.now()
    if (invocation.responseCode === 0 || invocation.responseCode === REBOOT_CODE) invocation.end('Success', 'Success', now)
    else if (invocation.responseCode !== TIMED_OUT_CODE) invocation.end('Failed', 'Failed', now)
    else if (invocation.cancel.signal.aborted) invocation.end('Cancelled', 'Cancelled', now)
    else invocation.end('TimedOut', 'ExecutionTimedOut', now)
  }

  /** Exit status 194: the machine boots again, and the script runs again. What else was running is treated as after a stop. */
  async #reboot(invocation: Invocation): Promise<void> {
    this.#rebooting = true
    this.#instance.onlineAt = null
    try {
      await this.#world.machines.stop(this.#instance)
      if (this.#instance.state !== 'running') return
      await this.#world.machines.start(this.#instance)
      this.#instance.onlineAt = new Date(this.#world.now().getTime() + this.#world.times.onlineMs)
    } finally {
      this.#rebooting = false
      this.#running.delete(invocation)
      this.#waiting.unshift(invocation)
    }
    this.#lookAfter(this.#world.times.onlineMs + 1)
  }

  #lookAfter(ms: number): void {
    this.#world.after(ms, () => {
      this.look()
    })
  }
}

function setInProgress(invocation: Invocation): void {
  if (invocation.status === 'Pending' || invocation.status === 'Delayed') invocation.status = invocation.details = 'InProgress'
}
