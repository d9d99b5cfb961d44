import {spawn, type ChildProcessWithoutNullStreams} from 'node:child_process'
import type {ProviderEnvironment, RunctlError} from 'runctl'

import {controlOptions} from './control-socket.js'
import {hostProgram} from './host-program.js'
import {PacketReader} from './packet-reader.js'
import {failureOf, type SshFailure} from './ssh-failure.js'

/** The login shell of the host may be any: these are words to all of them. Everything else goes over standard input. */
const COMMAND = 'exec python3 -c "import sys;program=sys.stdin.buffer.read(int(sys.stdin.buffer.readline()));exec(program)"'
/** sshd takes ten sessions on one connection unless told otherwise. */
const MOST_SESSIONS = 8
/** Beyond its own time limit, for what goes over the network. */
const NETWORK_SLACK_MS = 10_000
const LAST_WORDS_MS = 500

export interface HostCall {
  readonly request: Readonly<Record<string, unknown>> & {readonly op: string}
  readonly body?: readonly Uint8Array[]
  /** Milliseconds that the host itself may take. */
  readonly timeoutMs: number
  readonly mostBytes?: number
  readonly connectTimeoutMs?: number
  readonly signal?: AbortSignal | undefined
}

export interface HostAnswer {
  readonly value: Readonly<Record<string, unknown>>
  readonly stdout: Uint8Array
  readonly stderr: Uint8Array
  /** The machine said this, and was gone before its last word: it went down. */
  readonly wentDown: boolean
}

export interface ConnectionOptions {
  readonly dataDir: string
  readonly env: ProviderEnvironment['env']
  readonly configFile: string | null
  readonly connectTimeoutMs: number
  readonly RunctlError: typeof RunctlError
}

/** What this plugin asks ssh for, whatever the user's configuration says: nobody is asked anything, no key is taken on trust, nothing is forwarded. */
const OPTIONS = [
  'BatchMode=yes', 'StrictHostKeyChecking=yes', 'ForwardAgent=no', 'ForwardX11=no', 'ClearAllForwardings=yes', 'PermitLocalCommand=no',
  'RequestTTY=no', 'RemoteCommand=none', 'ServerAliveInterval=15', 'ServerAliveCountMax=3', 'LogLevel=ERROR',
]

/** One host, over one connection that is kept for a while. A call is one exec, and rejects with an error of runctl's. */
export class Connection {
  /** The first call opens the connection; the others wait for that. */
  #opening: Promise<unknown> | null = null
  #running = 0
  readonly #waiting: (() => void)[] = []

  constructor(
    private readonly host: string,
    private readonly options: ConnectionOptions,
  ) {}

  async call(call: HostCall): Promise<HostAnswer> {
    call.signal?.throwIfAborted()
    if (this.#opening === null) {
      const first = this.#exec(call)
      this.#opening = first.greeted
      return first.answer
    }
    await this.#opening
    await this.#enter()
    try {
      call.signal?.throwIfAborted()
      return await this.#exec(call).answer
    } finally {
      this.#running--
      this.#waiting.shift()?.()
    }
  }

  /** Forgets the shared connection, which does not end by itself where the machine vanished. */
  async close(): Promise<void> {
    this.#opening = null
    await new Promise<void>(resolve => {
      const child = spawn('ssh', [...this.#arguments(this.options.connectTimeoutMs), '-O', 'exit', '--', this.host], {stdio: 'ignore', env: this.#env})
      child.once('error', () => resolve())
      child.once('exit', () => resolve())
    })
  }

  async #enter(): Promise<void> {
    while (this.#running >= MOST_SESSIONS) await new Promise<void>(resolve => this.#waiting.push(resolve))
    this.#running++
  }

  get #env(): NodeJS.ProcessEnv {
    return {...this.options.env}
  }

  #arguments(connectTimeoutMs: number): readonly string[] {
    const {configFile, dataDir} = this.options
    const seconds = Math.max(1, Math.ceil(connectTimeoutMs / 1000))
    return [...(configFile === null ? [] : ['-F', configFile]), ...[...OPTIONS, `ConnectTimeout=${seconds}`, ...controlOptions(dataDir)].flatMap(option => ['-o', option])]
  }

  #exec(call: HostCall): {readonly answer: Promise<HostAnswer>; readonly greeted: Promise<unknown>} {
    const connectTimeoutMs = call.connectTimeoutMs ?? this.options.connectTimeoutMs
    let greet = (): void => undefined
    const greeted = new Promise<void>(resolve => (greet = resolve))
    const answer = new Promise<HostAnswer>((resolve, reject) => {
      const child = spawn('ssh', [...this.#arguments(connectTimeoutMs), '--', this.host, COMMAND], {stdio: 'pipe', env: this.#env})
      const reader = new PacketReader(call.mostBytes ?? 1 << 20, greet)
      const words: Buffer[] = []
      let isOver = false
      const finish = (settle: () => void): void => {
        if (isOver) return
        isOver = true
        clearTimeout(limit)
        call.signal?.removeEventListener('abort', onAbort)
        greet()
        endChild(child)
        settle()
      }
      const fail = (failure: SshFailure): void => finish(() => reject(this.#errorOf(failure)))
      const onAbort = (): void => finish(() => reject(call.signal?.reason as Error))
      const limit = setTimeout(() => {
        void this.close()
        fail({kind: 'silent', words: textOf(words), greeted: reader.greeted})
      }, call.timeoutMs + connectTimeoutMs + NETWORK_SLACK_MS)
      call.signal?.addEventListener('abort', onAbort, {once: true})
      child.stdin.on('error', () => undefined)
      child.stderr.on('data', (chunk: Buffer) => words.push(chunk))
      child.stdout.on('data', (chunk: Buffer) => {
        reader.take(chunk)
        const {value} = reader
        if (value !== null) finish(() => (reader.refusal === null ? resolve({value, stdout: reader.stdout, stderr: reader.stderr, wentDown: false}) : reject(this.#refused(reader.refusal))))
      })
      child.once('error', error => fail({kind: 'no ssh', words: error.message, greeted: false}))
      child.once('exit', status => {
        const end = (): void => {
          const {interim} = reader
          if (interim !== null) finish(() => resolve({value: interim, stdout: reader.stdout, stderr: reader.stderr, wentDown: true}))
          else fail({kind: 'ended', status, words: textOf(words), greeted: reader.greeted})
        }
        // What it wrote last may still be in the pipes; a connection that is kept may hold standard error open for long.
        child.once('close', end)
        setTimeout(end, LAST_WORDS_MS)
      })
      const {request, body = []} = call
      const program = hostProgram()
      child.stdin.write(Buffer.concat([Buffer.from(`${program.length}\n`), program, Buffer.from(`${JSON.stringify(request)}\n`)]))
      // Kept open: its end tells the host that nobody waits any more.
      for (const part of body) child.stdin.write(part)
    })
    return {answer, greeted}
  }

  #errorOf(failure: SshFailure): RunctlError {
    const {code, details, message, next} = failureOf(this.host, failure)
    return new this.options.RunctlError(code, message, {next, details: {instance_id: this.host, ...details}})
  }

  #refused({code, details, message}: NonNullable<PacketReader['refusal']>): RunctlError {
    const next = code === 'wrong_state' ? [details['state'] === 'terminated' ? `runctl ssh create --host ${this.host}` : `runctl ssh start ${this.host} --wait`] : []
    return new this.options.RunctlError(code, `${this.host}: ${message}`, {next, details: {instance_id: this.host, ...details}})
  }
}

function endChild(child: ChildProcessWithoutNullStreams): void {
  child.stdin.destroy()
  child.stdout.destroy()
  child.stderr.destroy()
  child.kill()
  child.unref()
}

const textOf = (chunks: readonly Buffer[]): string => Buffer.concat(chunks).toString('utf8').trim()
