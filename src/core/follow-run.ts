import {zlibInflate} from './inflate.js'
import type {AgentClient} from '../agent/client.js'
import type {LogsAnswer, RunStatus} from '../agent/protocol.js'
import {isRunctlError, RunctlError} from '../model/errors.js'
import type {PlatformDeps} from './platform-deps.js'

export interface FollowInput {
  readonly instanceId: string
  /** Absent: the newest run of the instance. */
  readonly runId?: string
  /** Byte to start at; absent: the last `tailLines` lines. */
  readonly offset?: number
  readonly tailLines?: number
  /** Milliseconds after which to give up waiting (the run goes on); null for never. */
  readonly timeoutMs: number | null
}

export interface FollowSinks {
  /** Bytes of the log as they are, in order, without gaps. A promise is waited for before more are fetched. */
  log(bytes: Uint8Array): unknown
  /** Called with each answer's view of the run. */
  run?(run: RunStatus): void
}

/** Raw log bytes per answer: base64 of what zlib cannot shrink is a third more, the JSON around it a few hundred bytes. */
export const bytesPerAnswer = (agent: AgentClient): number => Math.min(2 << 20, Math.floor((agent.maxOutputBytes - 8000) * 0.7))

/** How long an instance may stay silent before following is given up. */
const PATIENCE_MS = 300_000

/**
 * Reads a run's log until the run has ended and everything is read. Each call waits on the instance for the next byte, so a new line
 * is here as soon as the platform delivers an answer. Rejects with `timed_out`; the run goes on then, as after an abort.
 */
export async function followRun(input: FollowInput, sinks: FollowSinks, deps: Pick<PlatformDeps, 'agent' | 'clock' | 'progress' | 'provider' | 'signal'>): Promise<RunStatus> {
  const agent = deps.agent(input.instanceId)
  const deadline = input.timeoutMs === null ? Infinity : deps.clock.now().getTime() + input.timeoutMs
  let {offset, runId} = input
  let silentSince: number | null = null
  for (;;) {
    const leftMs = deadline - deps.clock.now().getTime()
    if (leftMs <= 0) throw timedOut(input, runId)
    const waitSeconds = Math.min(agent.maxWaitSeconds, Math.ceil(leftMs / 100) / 10)
    let answer: LogsAnswer
    try {
      answer = await agent.call('logs', {
        ...(runId === undefined ? {} : {run_id: runId}),
        ...(offset === undefined ? {tail_lines: input.tailLines ?? 10} : {offset}),
        max_bytes: bytesPerAnswer(agent),
        wait_s: offset === undefined ? 0 : waitSeconds,
      }, {signal: deps.signal, timeoutMs: (waitSeconds + 30) * 1000})
    } catch (error) {
      // A silent network is no reason to leave: the run goes on. A gone instance is.
      if (!isRunctlError(error) || !['timed_out', 'unreachable'].includes(error.code)) throw error
      if (silentSince === null) {
        silentSince = deps.clock.now().getTime()
        deps.progress.emit({type: 'warning', message: `${input.instanceId} does not answer; trying again (the run does not depend on this)`})
      }
      if (deps.clock.now().getTime() - silentSince > PATIENCE_MS) throw error
      await deps.clock.sleep(3000, deps.signal)
      continue
    }
    silentSince = null
    runId = answer.run_id
    offset = answer.next_offset
    const bytes = zlibInflate(answer.data)
    if (bytes.length > 0) await sinks.log(bytes)
    sinks.run?.(answer.run)
    if (answer.end) return answer.run
  }
}

function timedOut(input: FollowInput, runId: string | undefined): RunctlError {
  const seconds = (input.timeoutMs ?? 0) / 1000
  return new RunctlError('timed_out', `${runId ?? 'the run'} has not ended within ${seconds} s; it goes on`, {
    details: {instance_id: input.instanceId, run_id: runId ?? null},
  })
}
