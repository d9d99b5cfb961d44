import type {RunStatus} from '../../agent/protocol.js'
import type {Checkpoint} from '../../model/checkpoint.js'
import {isRunctlError} from '../../model/errors.js'
import {failureWords} from '../../model/run.js'
import {followRun} from '../follow-run.js'
import {train} from '../train.js'
import {describeCheckpoint} from './describe-checkpoint.js'
import type {Drill} from './drill.js'
import {LogTimeline} from './log-timeline.js'
import {factsOf, type AttemptRecord, type CheckpointFacts, type KillRecord} from './rehearsal-record.js'

export interface AttemptStart {
  readonly instanceId: string
  readonly resume: boolean
  /** Where its checkpoints go as they are written; null: nowhere. */
  readonly output: string | null
  /** What is known of checkpoints, to tell from which one it went on. */
  readonly known: readonly Checkpoint[]
}

/** One run of the script, followed from its first byte. */
export class Attempt {
  readonly timeline = new LogTimeline()
  /** As seen last. */
  run: RunStatus
  /** Resolves when the run has ended, or its instance is gone; never rejects. */
  readonly over: Promise<void>
  isOver = false
  sawGood = false
  private offset = 0
  private failure: Error | null = null
  private readonly detach = new AbortController()

  private constructor(
    private readonly drill: Drill,
    readonly instanceId: string,
    readonly output: string | null,
    run: RunStatus,
    readonly resumedFrom: CheckpointFacts | null,
    readonly resumeRefused: string | null,
    readonly passedOver: AttemptRecord['passedOver'],
  ) {
    this.run = run
    this.over = this.follow()
  }

  /** From the newest checkpoint that verifies, if that is wanted and there is one; else from nothing. Rejects as `train` does. */
  static async start(drill: Drill, {instanceId, known, output, resume}: AttemptStart): Promise<Attempt> {
    const begin = async (from: 'latest' | null) => train({
      ...drill.input.train, instanceId, output, defaultOutput: null, syncCode: true, concurrent: false, resume: from, followed: true, readyTimeoutMs: drill.leftMs,
    }, drill.deps)
    let refused: string | null = null
    const {result} = await begin(resume ? 'latest' : null).catch(async (error: unknown) => {
      if (!resume || !isRunctlError(error) || !['not_found', 'verification_failed'].includes(error.code)) throw error
      refused = error.message
      return begin(null)
    })
    const from = result.run.resume_from
    const listed = known.find(({path}) => path === from)
    const facts = from === null ? null : listed ? factsOf(listed) : await describeCheckpoint(from, {instanceId, project: result.run.project}, drill.deps)
    return new Attempt(drill, instanceId, output, result.run, facts, refused, result.resume_skipped)
  }

  get startedAtMs(): number {
    return Date.parse(this.run.started_at ?? this.run.created_at)
  }

  /** Whether its end came by itself: with exit status 0, and not because it was asked. */
  get completed(): boolean {
    return this.run.state === 'stopped' && this.run.reason === 'completed'
  }

  /** What is in the log after the last byte that was seen, where the instance was away meanwhile. */
  async catchUp(): Promise<void> {
    this.isOver = false
    await this.follow()
  }

  /** No more of it is read. */
  async leave(): Promise<void> {
    this.detach.abort()
    await this.over
  }

  record(kill: KillRecord | null): AttemptRecord {
    if (this.failure !== null && !isLost(this.failure)) throw this.failure
    const end = kill ? 'killed' : this.completed ? 'completed' : this.run.state === 'stopped' ? 'failed' : 'unfinished'
    const words = this.run.reason === 'failed' ? failureWords(this.run) : `ended: ${this.run.reason ?? this.run.state}`
    const {passedOver, resumedFrom, resumeRefused, sawGood, startedAtMs, timeline} = this
    const detail = this.run.detail ? `: ${this.run.detail}` : ''
    return {runId: this.run.run_id, startedAtMs, marks: timeline.marks, resumedFrom, resumeRefused, passedOver, sawGood, end, endWords: words + detail, kill}
  }

  private async follow(): Promise<void> {
    const {deps} = this.drill
    const signal = AbortSignal.any([deps.signal, this.detach.signal])
    const sinks = {
      log: (bytes: Uint8Array) => {
        this.offset += bytes.length
        this.timeline.push(bytes, this.drill.nowMs)
      },
      run: (run: RunStatus) => {
        this.run = run
        this.sawGood ||= run.last_checkpoint !== null
      },
    }
    try {
      await followRun({instanceId: this.instanceId, runId: this.run.run_id, offset: this.offset, timeoutMs: this.drill.leftMs}, sinks, {...deps, signal})
      this.timeline.end(this.drill.nowMs)
    } catch (error) {
      this.failure = error instanceof Error ? error : new Error(String(error))
    }
    this.isOver = true
  }
}

/** What following ends with where the instance was stopped, is gone, or the time is over: that is no failure of the drill. */
const isLost = (error: unknown): boolean =>
  (isRunctlError(error) && ['not_found', 'timed_out', 'unreachable', 'wrong_state'].includes(error.code)) || (error instanceof DOMException && error.name === 'AbortError')
