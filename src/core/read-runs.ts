import type {RunStatus} from '../agent/protocol.js'
import type {AgentPort} from './sync/agent-port.js'

/** The newest `limit` runs of the instance, newest first, in as many calls as they need. Rejects with the agent's failures. */
export async function readRuns(agent: AgentPort, limit: number, signal: AbortSignal): Promise<RunStatus[]> {
  const runs: RunStatus[] = []
  for (;;) {
    const after = runs.at(-1)?.run_id
    const request = {all: true, limit: limit - runs.length, max_bytes: agent.maxOutputBytes, ...(after === undefined ? {} : {after})}
    const answer = await agent.call('status', request, {signal})
    runs.push(...answer.runs)
    if (answer.more !== true || answer.runs.length === 0 || runs.length >= limit) return runs
  }
}
