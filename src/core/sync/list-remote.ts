import type {ListFilesAnswer} from '../../agent/protocol.js'
import type {AgentPort} from './agent-port.js'
import type {SkippedFile} from './project-file.js'

export type RemoteEntry = ListFilesAnswer['entries'][number]

export interface RemoteListing {
  /** Absolute, on the instance. */
  readonly base: string
  readonly kind: 'file' | 'folder'
  readonly entries: readonly RemoteEntry[]
  readonly skipped: readonly SkippedFile[]
  readonly rounds: number
}

/** What stands around the entries of an answer. */
const ENVELOPE_BYTES = 600

/** The whole listing, in as many calls as its size takes. `not_found` where there is no such path. */
export async function listRemote(remote: string, agent: AgentPort, signal?: AbortSignal): Promise<RemoteListing> {
  const entries: RemoteEntry[] = []
  const skipped: SkippedFile[] = []
  let after: string | null = null
  for (let rounds = 1; ; rounds++) {
    const request = {path: remote, max_bytes: agent.maxOutputBytes - ENVELOPE_BYTES, ...(after === null ? {} : {after})}
    const answer: ListFilesAnswer = await agent.call('list-files', request, {...(signal ? {signal} : {}), timeoutMs: 120_000})
    entries.push(...answer.entries)
    skipped.push(...answer.skipped)
    if (!answer.more) return {base: answer.base, kind: answer.kind, entries, skipped, rounds}
    const last = latest(answer.entries.at(-1)?.path, answer.skipped.at(-1)?.path)
    if (last === undefined) throw new Error(`calls that give back ${agent.maxOutputBytes} bytes are too small to list files`)
    after = last
  }
}

/** As the agent sorts: by code points, which is the order of the UTF-8 bytes. */
function latest(a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined || b === undefined) return a ?? b
  const [left, right] = [[...a], [...b]]
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const difference = (left[i]?.codePointAt(0) ?? 0) - (right[i]?.codePointAt(0) ?? 0)
    if (difference !== 0) return difference > 0 ? a : b
  }
  return left.length > right.length ? a : b
}
