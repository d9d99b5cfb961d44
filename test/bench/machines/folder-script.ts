/** One script on an instance that is a folder. */

import {spawn} from 'node:child_process'
import type {Readable} from 'node:stream'

import type {ScriptOutcome} from '../types.js'

const OUTPUT_LIMIT = 1 << 20
const KILLED = 137
const SIGKILL = 9

export interface ScriptRun {
  readonly file: string
  readonly env: Readonly<Record<string, string>>
  readonly timeoutMs: number
  readonly signal: AbortSignal
  /** Its reason is the rejection. */
  readonly stopped: AbortSignal
}

/** Resolves when the process has ended and nobody holds its output any more, or at once when it is cancelled or its time is over. */
export async function runScript(run: ScriptRun): Promise<ScriptOutcome> {
  const child = spawn('sh', ['-c', run.file], {cwd: '/usr/bin', env: {...run.env}, detached: true, stdio: ['ignore', 'pipe', 'pipe']})
  const stdout = collect(child.stdout)
  const stderr = collect(child.stderr)
  const end = (facts: {exitCode: number; timedOut: boolean; signal?: number}): ScriptOutcome => ({...facts, stdout: stdout(), stderr: stderr()})
  let timer: NodeJS.Timeout | undefined
  const listeners = new AbortController()
  try {
    return await new Promise<ScriptOutcome>((resolve, reject) => {
      const kill = (timedOut: boolean): void => {
        if (child.pid !== undefined) killGroup(child.pid)
        resolve(end({exitCode: KILLED, signal: SIGKILL, timedOut}))
      }
      const cancel = (): void => kill(false)
      const lose = (): void => reject(run.stopped.reason)
      timer = setTimeout(kill, run.timeoutMs, true)
      run.signal.addEventListener('abort', cancel, {signal: listeners.signal})
      run.stopped.addEventListener('abort', lose, {signal: listeners.signal})
      if (run.signal.aborted) cancel()
      if (run.stopped.aborted) lose()
      child.once('error', reject)
      child.once('close', (code, name) => {
        const signal = name === null ? undefined : SIGNALS[name]
        resolve(end(signal === undefined ? {exitCode: code ?? 1, timedOut: false} : {exitCode: 128 + signal, signal, timedOut: false}))
      })
    })
  } finally {
    clearTimeout(timer)
    listeners.abort()
    child.stdout.destroy()
    child.stderr.destroy()
  }
}

const SIGNALS: Readonly<Partial<Record<NodeJS.Signals, number>>> = {SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGABRT: 6, SIGKILL, SIGSEGV: 11, SIGTERM: 15}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It has ended.
  }
}

function collect(stream: Readable): () => Buffer {
  const parts: Buffer[] = []
  let size = 0
  stream.on('data', (chunk: Buffer) => {
    const part = chunk.subarray(0, OUTPUT_LIMIT - size)
    if (part.length > 0) parts.push(part)
    size += part.length
  })
  return () => Buffer.concat(parts)
}
