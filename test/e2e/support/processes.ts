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

/** A zombie, which only waits to be collected, is not alive. */
export async function isAlive(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  return stat !== '' && !/\) [ZX] /.test(stat)
}
