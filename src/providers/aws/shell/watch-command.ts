import {callAws} from '../call-aws.js'
import {isThrottled, isUncertain} from './aws-outcome.js'
import {cancelCommand, hasEnded, type Invocation, listInvocations, readInvocation} from './invocation.js'
import {stateError, timedOut} from './shell-errors.js'
import type {ShellJob} from './shell-job.js'
import type {ShellParts} from './shell-parts.js'
import {sharedAbort} from '../shared-abort.js'

const FIRST_POLL_MS = 100
const SLOWEST_POLL_MS = 1000
const GROWTH = 1.5
const THROTTLED_POLL_MS = 5000
/** How long AWS may not know a command that it has accepted. */
const UNKNOWN_FOR_MS = 30_000
/** For delivery, and for the answer's way back, beyond the script's own time. */
const DEADLINE_SLACK_MS = 40_000
/** How long to wait for a cancelled command to end. */
const CANCEL_MS = 5000
const FAILED_POLLS = 6
/** A command that has not begun by then may wait for an instance that is stopped. */
const FIRST_STATE_CHECK_MS = 3000
const STATE_CHECK_MS = 10_000

/** An invocation that has ended; its output may be cut where it was read together with others'. */
export type OnEnded = (job: ShellJob, invocation: Invocation) => Promise<void>

/**
 * Polls a command until it has ended for every job, first quickly, then slower. Jobs whose time is over, or whose instance stopped or vanished,
 * are rejected and taken back; so are those whose caller has given up.
 */
export async function watchCommand(parts: ShellParts, commandId: string, jobs: readonly ShellJob[], onEnded: OnEnded): Promise<void> {
  const watch = new CommandWatch(parts, commandId, jobs, onEnded)
  await watch.run()
}

class CommandWatch {
  readonly #pending: Map<string, ShellJob>
  /** Aborted as soon as nobody waits any more. */
  readonly #idle = sharedAbort()
  readonly #begun: number
  readonly #endings: Promise<void>[] = []
  readonly #seen = new Map<string, Invocation>()
  #cancelledAt: number | null = null
  #nextStateCheck: number
  #failures = 0
  #pause = FIRST_POLL_MS

  constructor(
    private readonly parts: ShellParts,
    private readonly commandId: string,
    private readonly jobs: readonly ShellJob[],
    private readonly onEnded: OnEnded,
  ) {
    this.#begun = parts.clock.now().getTime()
    this.#nextStateCheck = this.#begun + FIRST_STATE_CHECK_MS
    this.#pending = new Map(jobs.map(job => [job.instanceId, job]))
    for (const job of jobs) {
      const takeBack = (): void => {
        this.#drop(job)
        void cancelCommand(parts, commandId, [job.instanceId])
      }
      if (job.settled) takeBack()
      else job.onAbort = takeBack
    }
  }

  async run(): Promise<void> {
    try {
      while (this.#pending.size > 0) await this.#round()
    } catch (error) {
      if (this.#pending.size > 0) throw error
    }
    await Promise.all(this.#endings)
  }

  async #round(): Promise<void> {
    const {signal} = this.#idle
    await this.parts.clock.sleep(this.#pause, signal)
    this.#pause = Math.min(SLOWEST_POLL_MS, this.#pause * GROWTH)
    try {
      for (const [id, invocation] of await this.#read(signal)) this.#take(id, invocation)
      this.#failures = 0
    } catch (error) {
      signal.throwIfAborted()
      if (isThrottled(error)) this.#pause = Math.min(THROTTLED_POLL_MS, Math.max(SLOWEST_POLL_MS, this.#pause * 2))
      else if (!isUncertain(error) || ++this.#failures >= FAILED_POLLS) {
        await callAws(this.jobs.length === 1 ? 'ssm:GetCommandInvocation' : 'ssm:ListCommandInvocations', signal, () => Promise.reject(error as Error))
      }
    }
    const now = this.parts.clock.now().getTime()
    if (now >= this.#nextStateCheck && this.#pending.size > 0) await this.#checkStates(now, signal)
    await this.#checkDeadline(now)
  }

  async #read(signal: AbortSignal): Promise<ReadonlyMap<string, Invocation>> {
    const [only] = this.jobs
    if (this.jobs.length > 1 || only === undefined) return listInvocations(this.parts, this.commandId, signal)
    const found = await readInvocation(this.parts, this.commandId, only.instanceId, signal)
    if (found === null && this.parts.clock.now().getTime() - this.#begun > UNKNOWN_FOR_MS) {
      throw Object.assign(new Error('AWS accepted the command and does not know it'), {name: 'InvocationDoesNotExist', $metadata: {}})
    }
    return found === null ? new Map() : new Map([[only.instanceId, found]])
  }

  #take(id: string, invocation: Invocation): void {
    this.#seen.set(id, invocation)
    const job = this.#pending.get(id)
    if (!job || !hasEnded(invocation)) return
    this.#pending.delete(id)
    const ending =
      this.#cancelledAt !== null && invocation.details === 'cancelled'
        ? Promise.resolve(job.reject(timedOut(id, job.request.timeoutMs)))
        : this.onEnded(job, invocation).catch((error: unknown) => job.reject(error))
    this.#endings.push(ending)
    // The output may take a while to fetch; whoever gives up meanwhile has no command to take back.
    job.onAbort = () => undefined
  }

  /** AWS lets commands for a stopped instance wait until it is started again: nobody wants that. */
  async #checkStates(now: number, signal: AbortSignal): Promise<void> {
    this.#nextStateCheck = now + STATE_CHECK_MS
    const check = async (job: ShellJob): Promise<void> => {
      const begun = this.#seen.get(job.instanceId)?.started ?? false
      if (begun && now - this.#begun < STATE_CHECK_MS) return
      const target = await this.parts.describe(job.instanceId, signal)
      const {details} = this.#seen.get(job.instanceId) ?? {}
      const error = stateError(job.instanceId, target, details === 'pending' || details === 'delayed' ? false : undefined)
      if (error === null || job.settled) return
      await cancelCommand(this.parts, this.commandId, [job.instanceId])
      this.#drop(job)
      job.reject(error)
    }
    await Promise.all([...this.#pending.values()].map(job => check(job).catch(() => undefined)))
  }

  async #checkDeadline(now: number): Promise<void> {
    const overdue = [...this.#pending.values()].filter(job => now - this.#begun > job.request.timeoutMs + DEADLINE_SLACK_MS)
    if (overdue.length === 0) return
    if (this.#cancelledAt === null) {
      this.#cancelledAt = now
      this.#pause = FIRST_POLL_MS
      await cancelCommand(this.parts, this.commandId, overdue.map(job => job.instanceId))
    } else if (now - this.#cancelledAt > CANCEL_MS) {
      for (const job of overdue) {
        this.#drop(job)
        job.reject(timedOut(job.instanceId, job.request.timeoutMs))
      }
    }
  }

  #drop(job: ShellJob): void {
    this.#pending.delete(job.instanceId)
    if (this.#pending.size === 0) this.#idle.abort()
  }
}
