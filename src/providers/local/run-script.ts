import {spawn} from 'node:child_process'
import {constants} from 'node:os'

export interface ScriptSpec {
  readonly program: string
  readonly args: readonly string[]
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  readonly stdin: Uint8Array
  readonly timeoutMs: number
  readonly maxOutputBytes: number
  readonly signal?: AbortSignal
  /** What the promise rejects with after the kill. */
  readonly onTimeout: () => Error
  readonly onTooMuchOutput: () => Error
}

export interface ScriptEnd {
  /** 128 + n where signal n ended it. */
  readonly exitCode: number
  readonly signal: NodeJS.Signals | null
  readonly stdout: Uint8Array
  readonly stderr: Uint8Array
}

/** Output that is still in the pipe when the shell ends arrives at once; what a background process prints later is nobody's. */
const DRAIN_IDLE_MS = 50
const DRAIN_LIMIT_MS = 1000
/** A killed process ends at once, unless it hangs in the kernel. */
const KILL_LIMIT_MS = 2000

/**
 * Starts a program in its own session and process group: it has been executed when this returns. The promise resolves when the
 * program itself has ended, whoever else still holds its output. It rejects with the error of the spawn, with the signal's
 * reason, or with what the spec says, the whole group being killed before.
 */
export function runScript(spec: ScriptSpec): Promise<ScriptEnd> {
  return new Promise((resolve, reject) => {
    const child = spawn(spec.program, spec.args, {cwd: spec.cwd, env: {...spec.env}, detached: true, stdio: 'pipe'})
    const {pid, stdin, stdout, stderr} = child
    const output = {stdout: [] as Buffer[], stderr: [] as Buffer[]}
    const bytes = {stdout: 0, stderr: 0}
    let failure: {readonly error: unknown} | null = null
    let lastDataAt = 0
    let limit: NodeJS.Timeout | undefined

    const settle = (code: number | null, signal: NodeJS.Signals | null): void => {
      clearTimeout(limit)
      spec.signal?.removeEventListener('abort', onAbort)
      for (const stream of [stdin, stdout, stderr]) stream.destroy()
      if (failure) return reject(failure.error)
      const exitCode = code ?? 128 + (signal ? constants.signals[signal] : 0)
      resolve({exitCode, signal, stdout: Buffer.concat(output.stdout), stderr: Buffer.concat(output.stderr)})
    }
    const end = (error: unknown): void => {
      if (failure) return
      failure = {error}
      killGroup(pid)
      clearTimeout(limit)
      limit = setTimeout(() => settle(null, null), KILL_LIMIT_MS)
    }
    const onAbort = (): void => end(spec.signal?.reason)

    // One that has not read all its input when it ends is no error.
    stdin.on('error', () => undefined)
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].on('error', () => undefined)
      child[name].on('data', (chunk: Buffer) => {
        lastDataAt = performance.now()
        bytes[name] += chunk.length
        if (bytes[name] > spec.maxOutputBytes) end(spec.onTooMuchOutput())
        else output[name].push(chunk)
      })
    }
    child.once('error', error => {
      failure ??= {error}
      if (pid === undefined) settle(null, null)
    })
    child.once('exit', (code, signal) => {
      if (failure) return settle(code, signal)
      clearTimeout(limit)
      drain(() => lastDataAt, child, () => settle(code, signal))
    })
    if (pid === undefined) return
    limit = setTimeout(() => end(spec.onTimeout()), spec.timeoutMs)
    spec.signal?.addEventListener('abort', onAbort, {once: true})
    stdin.end(spec.stdin)
  })
}

/** Goes on when the streams are at their end, or silent, or after a second of chatter. */
function drain(lastDataAt: () => number, child: {once(event: 'close', then: () => void): unknown}, then: () => void): void {
  const began = performance.now()
  let done = false
  const finish = (): void => {
    if (!done) then()
    done = true
  }
  const look = (): void => {
    const seen = lastDataAt()
    // Timers come before input in a turn of the event loop: after a pause there may be data that was not yet seen.
    setImmediate(() => {
      const now = performance.now()
      const silent = lastDataAt() === seen && now - Math.max(began, seen) >= DRAIN_IDLE_MS
      if (silent || now - began > DRAIN_LIMIT_MS) finish()
      else if (!done) setTimeout(look, DRAIN_IDLE_MS / 2)
    })
  }
  child.once('close', finish)
  setTimeout(look, DRAIN_IDLE_MS)
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // The group is gone already.
  }
}
