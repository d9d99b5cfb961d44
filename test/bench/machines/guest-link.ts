/** The connection to an instance's process 1. */

import {randomUUID} from 'node:crypto'
import type {Socket} from 'node:net'

import {MachineStopped, type ScriptOutcome} from '../types.js'
import {type Message, onMessages} from './line-messages.js'

export interface Running {
  readonly resolve: (outcome: ScriptOutcome) => void
  readonly reject: (error: Error) => void
}

export class GuestLink {
  readonly #instanceId: string
  readonly #socket: Socket
  readonly #onPowerOff: () => void
  readonly #runs = new Map<string, Running>()
  #lost = false

  constructor(instanceId: string, socket: Socket, onPowerOff: () => void) {
    this.#instanceId = instanceId
    this.#socket = socket
    this.#onPowerOff = onPowerOff
  }

  /** What the process said, `up` and the first message left aside. */
  hear(message: Message): void {
    if (message['power_off'] === true) this.#onPowerOff()
    const id = String(message['ended'])
    const run = this.#runs.get(id)
    if (run === undefined) return
    this.#runs.delete(id)
    run.resolve({
      exitCode: Number(message['exit']),
      timedOut: message['timed_out'] === true,
      stdout: Buffer.from(String(message['stdout']), 'base64'),
      stderr: Buffer.from(String(message['stderr']), 'base64'),
      ...(typeof message['signal'] === 'number' ? {signal: message['signal']} : {}),
    })
  }

  async run(script: string, options: {readonly timeoutMs: number; readonly signal: AbortSignal}): Promise<ScriptOutcome> {
    if (this.#lost) throw new MachineStopped(this.#instanceId)
    const id = randomUUID()
    const cancel = (): void => {
      this.#send({cancel: id})
    }
    try {
      return await new Promise<ScriptOutcome>((resolve, reject) => {
        this.#runs.set(id, {resolve, reject})
        this.#send({run: id, script: Buffer.from(script).toString('base64'), timeout_ms: options.timeoutMs})
        options.signal.addEventListener('abort', cancel)
        if (options.signal.aborted) cancel()
      })
    } finally {
      options.signal.removeEventListener('abort', cancel)
    }
  }

  /** From now on no script's end is believed; the machine goes down by itself. */
  shutDown(graceMs: number): void {
    this.lose()
    this.#send({shutdown_ms: graceMs})
  }

  /** The machine is down or going down: nobody knows how its scripts ended. */
  lose(): void {
    this.#lost = true
    for (const run of this.#runs.values()) run.reject(new MachineStopped(this.#instanceId))
    this.#runs.clear()
  }

  #send(message: Message): void {
    if (this.#socket.writable) this.#socket.write(`${JSON.stringify(message)}\n`)
  }
}

/** Reads the first two messages of a connection, who it is and whether it is up, and hands the rest to the link that `onUp` gives. */
export function greetGuest(
  socket: Socket,
  on: {
    readonly up: (instanceId: string, bootNumber: number) => GuestLink | null
    readonly failed: (instanceId: string, bootNumber: number, error: string) => void
  },
): void {
  let who: {readonly id: string; readonly number: number} | null = null
  let link: GuestLink | null = null
  socket.on('error', () => socket.destroy())
  onMessages(socket, (message) => {
    if (link !== null) link.hear(message)
    else if (who === null) {
      who = {id: String(message['id']), number: Number(message['number'])}
      if (typeof message['error'] === 'string') on.failed(who.id, who.number, message['error'])
    } else if (message['up'] === true) link = on.up(who.id, who.number)
  })
}
