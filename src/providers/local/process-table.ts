/** What one look at this machine's processes gives. */
import {readdirSync, readFileSync, readlinkSync, statSync} from 'node:fs'

export interface ProcessInfo {
  readonly pid: number
  readonly ppid: number
  /** Its process group. */
  readonly group: number
  readonly uid: number
  readonly zombie: boolean
  readonly hasTerminal: boolean
  /** `NAME=value` entries; empty where it cannot be read. */
  readonly environment: readonly string[]
  /** Real path; null where it cannot be read. */
  readonly cwd: string | null
}

/** Synchronous on purpose: a snapshot that takes a few milliseconds leaves little time for processes to come and go in between. */
export function readProcTable(proc = '/proc'): readonly ProcessInfo[] {
  const table: ProcessInfo[] = []
  const pids = readdirSync(proc).filter(name => /^\d+$/.test(name)).map(Number)
  // The newest first: one that forks and ends at once is seen before it is gone.
  for (const pid of pids.toSorted((a, b) => b - a)) {
    const info = readProcEntry(`${proc}/${pid}`, pid)
    if (info) table.push(info)
  }
  return table
}

/** Fields of `/proc/PID/stat` from the third on; the second, the command's name, may contain blanks and brackets. Null: no such process. */
export function readStatFields(folder: string): readonly string[] | null {
  const stat = orNull(() => readFileSync(`${folder}/stat`, 'latin1'))
  return stat === null ? null : stat.slice(stat.lastIndexOf(')') + 2).trim().split(' ')
}

function readProcEntry(folder: string, pid: number): ProcessInfo | null {
  const stat = readStatFields(folder)
  const uid = orNull(() => statSync(folder).uid)
  if (!stat || uid === null) return null
  const environment = orNull(() => readFileSync(`${folder}/environ`, 'latin1')) ?? ''
  const cwd = orNull(() => readlinkSync(`${folder}/cwd`))
  return {
    pid,
    uid,
    ppid: Number(stat[1]),
    group: Number(stat[2]),
    zombie: stat[0] === 'Z' || stat[0] === 'X',
    hasTerminal: stat[4] !== '0',
    environment: environment.split('\0').filter(entry => entry !== ''),
    cwd: cwd === null ? null : cwd.replace(/ \(deleted\)$/, ''),
  }
}

/** Arguments with which `ps` prints what {@link parsePs} reads. */
export function psArguments(platform: NodeJS.Platform): readonly string[] {
  // One -o for each: after a `=` POSIX takes the rest of the argument as the header.
  const columns = ['pid', 'ppid', 'pgid', 'uid', 'tty', 'stat', 'command'].flatMap(name => ['-o', `${name}=`])
  return platform === 'darwin' ? ['-A', '-E', '-ww', ...columns] : ['axeww', ...columns]
}

/**
 * `ps` prints arguments and environment as one text, so a word of the arguments that looks like an entry of the environment
 * counts as one, and a value is cut at its first blank. The folder is not shown at all.
 */
export function parsePs(text: string): readonly ProcessInfo[] {
  const table: ProcessInfo[] = []
  for (const line of text.split('\n')) {
    const match = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(\S+)\s*(.*)$/.exec(line)
    if (!match) continue
    const [, pid, ppid, group, uid, tty = '', stat = '', command = ''] = match
    table.push({
      pid: Number(pid),
      ppid: Number(ppid),
      group: Number(group),
      uid: Number(uid),
      zombie: stat.startsWith('Z'),
      hasTerminal: !/^(\?+|-)$/.test(tty),
      environment: command.split(/\s+/).filter(word => /^[A-Za-z_][A-Za-z0-9_]*=/.test(word)),
      cwd: null,
    })
  }
  return table
}

/** Processes end between two looks, and those of others may not be read: neither is an error. */
function orNull<T>(read: () => T): T | null {
  try {
    return read()
  } catch {
    return null
  }
}
