import {constants} from 'node:fs'
import {lstat, open} from 'node:fs/promises'

import type {AgentPort} from './agent-port.js'
import {hashHandle} from './hash-files.js'
import type {RemoteEntry} from './list-remote.js'

export interface LocalCopy {
  readonly entry: RemoteEntry
  readonly local: string
}

/** Smaller files are copied again sooner than they are compared. */
const COMPARED_FROM_BYTES = 64 * 1024
/** What is lost when a time goes through a number of seconds. */
const TIME_SLACK_NS = 2000n
const DIGESTS_A_CALL = 50

/**
 * Which files are here already: by size and digest where the caller or the agent knows the digest, else by size and time. Gives
 * the digest by path; null where only size and time were compared.
 */
export async function findUnchanged(
  copies: readonly LocalCopy[],
  base: string,
  isSingle: boolean,
  known: ReadonlyMap<string, string>,
  agent: AgentPort,
  signal: AbortSignal | undefined,
): Promise<{unchanged: Map<string, string | null>; rounds: number}> {
  const unchanged = new Map<string, string | null>()
  const asked: LocalCopy[] = []
  for (const copy of copies) {
    const {entry, local} = copy
    const stats = await lstat(local, {bigint: true}).catch(() => null)
    if (!stats?.isFile() || stats.size !== BigInt(entry.size)) continue
    const sha256 = known.get(entry.path)
    const difference = stats.mtimeNs - BigInt(entry.mtime_ns)
    if (sha256 !== undefined) {
      if ((await hashLocal(local, signal)) === sha256) unchanged.set(entry.path, sha256)
    } else if (difference <= TIME_SLACK_NS && difference >= -TIME_SLACK_NS) {
      unchanged.set(entry.path, null)
    } else if (entry.size >= COMPARED_FROM_BYTES) {
      asked.push(copy)
    }
  }
  let rounds = 0
  // A read of nothing at the end: the digest comes if it is known there.
  const count = Math.max(1, Math.min(DIGESTS_A_CALL, Math.floor(Math.min(agent.maxInputBytes, agent.maxOutputBytes) / 5000)))
  for (let from = 0; from < asked.length; from += count) {
    const some = asked.slice(from, from + count)
    const reads = some.map(({entry}) => ({path: isSingle ? '' : entry.path, offset: entry.size, length: 0}))
    const answer = await agent.call('read-files', {base, reads}, signal ? {signal} : {}).catch(() => null)
    rounds++
    for (const [index, {entry, local}] of some.entries()) {
      const read = answer?.reads[index]
      if (!read?.sha256 || read.size !== entry.size) continue
      if ((await hashLocal(local, signal)) === read.sha256) unchanged.set(entry.path, read.sha256)
    }
  }
  return {unchanged, rounds}
}

/** The SHA-256 of a file here; null where there is none. Follows no link. */
export async function hashLocal(file: string, signal: AbortSignal | undefined): Promise<string | null> {
  const handle = await open(file, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0)).catch(() => null)
  try {
    return handle && (await hashHandle(handle, signal))
  } finally {
    await handle?.close()
  }
}
