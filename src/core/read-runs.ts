import type {GuardAnswer} from '../agent/guard-protocol.js'
import type {RunStatus} from '../agent/protocol.js'
import type {AgentPort} from './sync/agent-port.js'

/** The newest `limit` runs of the instance, newest first, in as many calls as they need. Rejects with the agent's failures. */
export async function readRuns(agent: AgentPort, limit: number, signal: AbortSignal): Promise<readonly RunStatus[]> {
  return (await readStatus(agent, limit, signal)).runs
}

/** The same with the limits that the instance keeps; null: none. */
export async function readStatus(agent: AgentPort, limit: number, signal: AbortSignal): Promise<{readonly runs: readonly RunStatus[]; readonly guard: GuardAnswer | null}> {
  const runs: RunStatus[] = []
  for (;;) {
    const after = runs.at(-1)?.run_id
    const request = {all: true, limit: limit - runs.length, max_bytes: agent.maxOutputBytes, ...(after === undefined ? {} : {after})}
    const answer = await agent.call('status', request, {signal})
    runs.push(...answer.runs)
    if (answer.more !== true || answer.runs.length === 0 || runs.length >= limit) return {runs, guard: answer.guard ?? null}
  }
}
