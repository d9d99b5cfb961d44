import {setTimeout as delay} from 'node:timers/promises'

import type {Machine} from './machine.js'
import type {ProcessInfo} from './process-table.js'

export interface InstancePlace {
  readonly id: string
  /** Real path. */
  readonly home: string
}

/**
 * The processes of an instance: those that carry its id in their environment, those that live in its home without a terminal
 * and without a HOME of their own elsewhere, and all that descend from either. This process and its ancestors never count.
 */
export function findInstanceProcesses(
  place: InstancePlace,
  table: readonly ProcessInfo[],
  self: Pick<Machine, 'pid' | 'uid'>,
): readonly number[] {
  const byPid = new Map(table.map(info => [info.pid, info]))
  const spared = ancestry(self.pid, byPid)
  const marker = `RUNCTL_INSTANCE_ID=${place.id}`
  const found = new Set<number>()
  for (const info of table) {
    if (!spared.has(info.pid) && (info.environment.includes(marker) || livesIn(place.home, info, self.uid))) found.add(info.pid)
  }
  for (let before = -1; before !== found.size; ) {
    before = found.size
    for (const info of table) if (found.has(info.ppid) && !spared.has(info.pid)) found.add(info.pid)
  }
  return [...found].filter(pid => byPid.get(pid)?.zombie === false)
}

/**
 * Catches what lost its environment: `env -i`, or programs that write their title over it. Somebody's own shell, editor or
 * terminal multiplexer that merely stands in the folder has a terminal, or says by HOME whose it is.
 */
function livesIn(home: string, info: ProcessInfo, uid: number): boolean {
  if (info.cwd === null || info.hasTerminal || info.uid !== uid) return false
  if (info.cwd !== home && !info.cwd.startsWith(`${home}/`)) return false
  return !info.environment.some(entry => entry.startsWith('HOME=') && entry !== `HOME=${home}`)
}

function ancestry(pid: number, byPid: ReadonlyMap<number, ProcessInfo>): ReadonlySet<number> {
  const seen = new Set<number>([1])
  for (let at: number | undefined = pid; at !== undefined && at > 0 && !seen.has(at); at = byPid.get(at)?.ppid) seen.add(at)
  return seen
}

export interface KillLimit {
  readonly ms: number
  readonly signal?: AbortSignal
}

/**
 * Kills until nothing is left, or until the time is over; gives what is left. Three looks in a row must find nothing, because a
 * process that forks while the table is being read can be missed by one. What forks and leaves all the time may be missed by each of
 * them on a busy machine, but it stays in its group: groups that were seen are killed again without looking.
 */
export async function endInstanceProcesses(place: InstancePlace, machine: Machine, limit: KillLimit): Promise<readonly number[]> {
  const deadline = performance.now() + limit.ms
  const groups = new Set<number>()
  for (let quiet = 0; quiet < 3; ) {
    limit.signal?.throwIfAborted()
    const table = machine.processes()
    const pids = findInstanceProcesses(place, table, machine)
    // A group is killed in one step, which a fork cannot escape.
    for (const group of groupsOf(pids, table)) {
      groups.add(group)
      machine.kill(-group)
    }
    const missed = [...groups].filter(group => !table.some(info => info.group === group) && machine.hasGroup(group))
    for (const group of missed) machine.kill(-group)
    const sent = pids.map(pid => machine.kill(pid))
    quiet = pids.length === 0 && missed.length === 0 ? quiet + 1 : 0
    if (pids.length > 0 && (performance.now() > deadline || !sent.includes(true))) return pids
    if (quiet === 0) {
      if (performance.now() > deadline) return []
      await delay(5)
    }
  }
  return []
}

/** The groups that consist of these processes alone. */
function groupsOf(pids: readonly number[], table: readonly ProcessInfo[]): readonly number[] {
  const ours = new Set(pids)
  const mixed = new Set(table.filter(info => !info.zombie && !ours.has(info.pid)).map(info => info.group))
  const groups = table.filter(info => ours.has(info.pid) && info.group > 1 && !mixed.has(info.group)).map(info => info.group)
  return [...new Set(groups)]
}
