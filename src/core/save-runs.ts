import type {AgentClient} from '../agent/client.js'
import type {StopAnswer} from '../agent/protocol.js'
import type {RunReason} from '../model/run.js'

export interface SaveRunsInput {
  /** Idempotency key: the same key never asks a script twice. */
  readonly requestId: string
  /** null: every active run of the instance. */
  readonly runId: string | null
  readonly graceSeconds: number
  readonly force: boolean
  readonly reason: RunReason
}

/** Seconds that the agent may need beyond the grace: verifying, ending what is left. */
const MARGIN_SECONDS = 60

/**
 * Has the agent save and end runs: it asks the scripts, waits out the grace, verifies the newest checkpoint, and ends the processes
 * only if that is good (or `force`). The agent goes on by itself if this call is cut off; the same request id finds it again.
 */
export async function saveRuns(input: SaveRunsInput, agent: AgentClient, signal: AbortSignal): Promise<StopAnswer> {
  let waitedSeconds = 0
  for (;;) {
    // At least one: a platform without long polling must not make this loop run hot, or for ever.
    const waitSeconds = Math.max(1, Math.min(agent.maxWaitSeconds, input.graceSeconds + MARGIN_SECONDS))
    const answer = await agent.call('stop', {
      request_id: input.requestId,
      run_id: input.runId,
      grace_s: input.graceSeconds,
      wait_s: waitSeconds,
      force: input.force,
      reason: input.reason,
    }, {signal, timeoutMs: (waitSeconds + 30) * 1000})
    waitedSeconds += waitSeconds
    if (answer.done || waitedSeconds > input.graceSeconds + 3 * MARGIN_SECONDS) return answer
  }
}
