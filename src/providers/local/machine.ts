/** What the local platform asks the operating system; tests put another machine in its place. */
import {execFileSync} from 'node:child_process'
import {readFileSync} from 'node:fs'
import {uptime} from 'node:os'

import {parsePs, psArguments, readProcTable, readStatFields, type ProcessInfo} from './process-table.js'

export interface Machine {
  readonly pid: number
  readonly uid: number
  /** Another one after every boot of the kernel. No blanks. */
  bootId(): string
  /** When a process began, in a form that differs for a later process of the same id; null where it does not live. No blanks. */
  processStart(pid: number): string | null
  processes(): readonly ProcessInfo[]
  /** SIGKILL to a process, or below zero to a whole group. False where it is somebody else's; what is gone already counts as killed. */
  kill(pidOrGroup: number): boolean
  /** Whether a process group has a member, a zombie included. */
  hasGroup(group: number): boolean
}

export function thisMachine(platform: NodeJS.Platform = process.platform): Machine {
  const linux = platform === 'linux'
  let bootId: string | undefined
  return {
    pid: process.pid,
    uid: process.getuid?.() ?? -1,
    bootId: () => (bootId ??= linux ? linuxBootId() : bsdBootId()),
    processStart: linux ? linuxProcessStart : psProcessStart,
    processes: linux ? () => readProcTable() : () => parsePs(run('ps', psArguments(platform)) ?? ''),
    kill: killNow,
    hasGroup,
  }
}

const BOOTED_AT = /^booted-at-(\d+)$/

/** A boot time that is computed from the clock wobbles a little. */
export function isSameBoot(a: string, b: string): boolean {
  const [at, bt] = [BOOTED_AT.exec(a)?.[1], BOOTED_AT.exec(b)?.[1]]
  return at !== undefined && bt !== undefined ? Math.abs(Number(at) - Number(bt)) < 60 : a === b
}

function linuxBootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
  } catch {
    return bootTime()
  }
}

function bsdBootId(): string {
  // The session's own id first: kern.boottime moves when the clock is set.
  const session = run('sysctl', ['-n', 'kern.bootsessionuuid'])?.trim()
  if (session) return session
  const seconds = /\bsec = (\d+)/.exec(run('sysctl', ['-n', 'kern.boottime']) ?? '')?.[1]
  return seconds === undefined ? bootTime() : `booted-at-${seconds}`
}

function bootTime(): string {
  return `booted-at-${Math.round(Date.now() / 1000 - uptime())}`
}

function linuxProcessStart(pid: number): string | null {
  const fields = readStatFields(`/proc/${pid}`)
  return fields === null || fields[0] === 'Z' || fields[0] === 'X' ? null : (fields[19] ?? null)
}

function psProcessStart(pid: number): string | null {
  const started = run('ps', ['-o', 'lstart=', '-p', String(pid)])?.trim()
  return started ? started.replace(/\s+/g, '-') : null
}

function killNow(pidOrGroup: number): boolean {
  try {
    process.kill(pidOrGroup, 'SIGKILL')
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}

function hasGroup(group: number): boolean {
  try {
    process.kill(-group, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Standard output; null where the program is missing or fails, as `ps -p` does for a process that is gone. */
function run(program: string, args: readonly string[]): string | null {
  try {
    const env = {...process.env, LC_ALL: 'C'}
    return execFileSync(program, args, {encoding: 'latin1', stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 64 << 20, env})
  } catch {
    return null
  }
}
