/** The process that makes instances out of namespaces (guest/host.py), and the folder that goes with it. */

import {type ChildProcess, spawn} from 'node:child_process'
import {once} from 'node:events'
import {fileURLToPath} from 'node:url'

import {type Message, onMessages} from './line-messages.js'

const PROGRAM = fileURLToPath(new URL('guest/host.py', import.meta.url))
const PYTHON = '/usr/bin/python3'
const ERROR_LINES_KEPT = 40

export class HostProcess {
  readonly #child: ChildProcess
  /** Resolves when it has ended, and its instances with it. */
  readonly exited: Promise<unknown>
  #errors: string[] = []

  private constructor(child: ChildProcess) {
    this.#child = child
    this.exited = once(child, 'close')
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = [...this.#errors, ...text.split('\n')].slice(-ERROR_LINES_KEPT)
    })
    child.stdin?.on('error', () => {})
  }

  /** Rejects where this machine cannot do it: not Linux, not root, no overlays. */
  static async start(folder: string, listener: (message: Message) => void): Promise<HostProcess> {
    if (process.platform !== 'linux' || process.getuid?.() !== 0) throw new Error('namespaces need root on Linux')
    // A session of its own: Ctrl-C reaches this process, which then closes it. It ends when its standard input does, however that comes.
    const child = spawn(PYTHON, ['-B', '-E', '-s', '-S', PROGRAM, folder], {stdio: ['pipe', 'pipe', 'pipe'], detached: true, cwd: '/'})
    const host = new HostProcess(child)
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject)
      child.once('exit', () => {
        reject(new Error(`namespaces do not work here: ${host.errors()}`))
      })
      onMessages(child.stdout, (message) => {
        if (message['ready'] === true) resolve()
        else listener(message)
      })
    })
    return host
  }

  get pid(): number {
    return this.#child.pid ?? -1
  }

  send(message: Message): void {
    this.#child.stdin?.write(`${JSON.stringify(message)}\n`)
  }

  errors(): string {
    return this.#errors.join('\n').trim()
  }

  /** Resolves when all its instances, their disks and its folder are gone. */
  async close(): Promise<void> {
    this.#child.stdin?.end()
    await this.exited
  }
}
