import type {CheckpointsAnswer, CheckpointsRequest} from '../agent/checkpoint-protocol.js'
import type {Checkpoint} from '../model/checkpoint.js'
import type {AgentPort} from './sync/agent-port.js'

/** All checkpoints that are asked for, oldest first, in as many calls as their number needs. Rejects with the agent's failures. */
export async function readCheckpoints(agent: AgentPort, request: Omit<CheckpointsRequest, 'after' | 'max_bytes'>, signal: AbortSignal): Promise<CheckpointsAnswer> {
  const bounded = {...request, max_bytes: agent.maxOutputBytes}
  let answer = await agent.call('checkpoints', bounded, {signal})
  if (answer.more !== true) return {...answer, checkpoints: answer.checkpoints.toSorted(byAge)}
  // By its path: one that was written again between two pages is in both.
  const found = new Map(answer.checkpoints.map(one => [one.path, one]))
  while (answer.more === true) {
    const after = answer.checkpoints.at(-1)?.path
    if (after === undefined) throw new Error('the agent has more checkpoints and gives none')
    answer = await agent.call('checkpoints', {...bounded, after}, {signal})
    for (const one of answer.checkpoints) found.set(one.path, one)
  }
  return {...answer, checkpoints: [...found.values()].sort(byAge)}
}

const byAge = (a: Checkpoint, b: Checkpoint): number => (a.modified_at < b.modified_at ? -1 : a.modified_at > b.modified_at ? 1 : a.path < b.path ? -1 : 1)
