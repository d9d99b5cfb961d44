import {readdir, readFile} from 'node:fs/promises'

/** The processes of the agent that do `role` (`_supervise`, `_launch`) for the run with this folder. Linux: from /proc. */
export async function agentProcesses(role: string, runFolder: string): Promise<readonly number[]> {
  const pids = (await readdir('/proc')).filter(name => /^\d+$/.test(name))
  const found = await Promise.all(pids.map(async pid => {
    const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0')
    return words.includes(role) && words.includes(runFolder) ? [Number(pid)] : []
  }))
  return found.flat()
}

/** Whether the process has begun another one: a CLI that has asks its instance something. Linux: from /proc. */
export async function hasChild(pid: number): Promise<boolean> {
  const pids = (await readdir('/proc')).filter(name => /^\d+$/.test(name))
  const stats = await Promise.all(pids.map(async one => readFile(`/proc/${one}/stat`, 'utf8').catch(() => '')))
  // The name of the program, in brackets, may hold anything; behind it are its state and its parent.
  return stats.some(stat => Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === pid)
}

/** A zombie, which only waits to be collected, is not alive. */
export async function isAlive(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  return stat !== '' && !/\) [ZX] /.test(stat)
}
