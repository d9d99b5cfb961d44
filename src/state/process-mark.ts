import {readFileSync} from 'node:fs'

/** A process, told apart from a later one with the same number. */
export interface ProcessMark {
  readonly pid: number
  /** When it was started, in the kernel's ticks; `0` where that cannot be had. */
  readonly startedAt: string
}

export const thisProcess = (): ProcessMark => ({pid: process.pid, startedAt: startOf(process.pid)})

export function isAlive({pid, startedAt}: ProcessMark): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
  const now = startOf(pid)
  return startedAt === '0' || now === '0' || now === startedAt
}

/** Linux tells in /proc; the name of the program before the numbers may hold anything, also `)`. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '0'
  } catch {
    return '0'
  }
}
