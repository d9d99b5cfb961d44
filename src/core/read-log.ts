import {zlibInflate} from './inflate.js'
import {bytesPerAnswer} from './follow-run.js'
import type {PlatformDeps} from './platform-deps.js'

export interface ReadLogInput {
  readonly instanceId: string
  readonly runId: string
  /** null for the whole log, else the end of it. */
  readonly tailLines: number | null
}

/** What `run logs` tells of a log. */
export interface RunLogsJson {
  readonly run_id: string
  readonly log_path: string
  readonly size_bytes: number
  /** The last lines as safe text; all of them only on a terminal or pipe, never in JSON. */
  readonly lines: readonly string[]
}

/** Hands over the log as it is now, piece by piece, and resolves with its size in bytes. Memory does not grow with the log. */
export async function readLog(input: ReadLogInput, write: (bytes: Uint8Array) => unknown, deps: Pick<PlatformDeps, 'agent' | 'signal'>): Promise<number> {
  const agent = deps.agent(input.instanceId)
  const request = {run_id: input.runId, max_bytes: bytesPerAnswer(agent)}
  let answer = await agent.call('logs', input.tailLines === null ? {...request, offset: 0} : {...request, tail_lines: input.tailLines}, {signal: deps.signal})
  // What is written while reading is not chased: the log as it was at the first answer.
  const {size} = answer
  for (;;) {
    await write(zlibInflate(answer.data))
    if (answer.next_offset >= size || answer.next_offset === answer.offset) return size
    answer = await agent.call('logs', {...request, offset: answer.next_offset}, {signal: deps.signal})
  }
}
