import type {RunctlError, Shell, ShellRequest, ShellResult} from 'runctl'

import {codeOf, type Machines} from './machines.js'

const MIB = 1024 * 1024

export class SshShell implements Shell {
  readonly maxInputBytes = 32 * MIB
  readonly maxOutputBytes = 8 * MIB
  readonly maxWaitMs = 25_000

  constructor(
    private readonly machines: Machines,
    private readonly require: (host: string) => void,
    private readonly error: typeof RunctlError,
  ) {}

  async run(host: string, {script, signal, stdin = new Uint8Array(), timeoutMs}: ShellRequest): Promise<ShellResult> {
    signal?.throwIfAborted()
    this.require(host)
    if (stdin.byteLength > this.maxInputBytes) throw new this.error('bad_input', `${stdin.byteLength} bytes are more than the ${this.maxInputBytes} that one command takes as input`)
    const text = Buffer.from(script)
    const request = {op: 'run', script: text.length, input: stdin.byteLength, timeout: timeoutMs / 1000, most: this.maxOutputBytes}
    const call = {request, body: [text, stdin], timeoutMs, mostBytes: this.maxOutputBytes, signal}
    const {stderr, stdout, value} = await this.machines.call(host, call).catch((error: unknown) => this.#explain(host, error, signal))
    if (value['why'] === 'time') throw new this.error('timed_out', `the command on ${host} was not done after ${timeoutMs / 1000} s and was ended`)
    if (value['why'] === 'output') throw new this.error('platform_failed', `the command on ${host} printed more than ${this.maxOutputBytes / MIB} MiB and was ended`)
    return {exitCode: Number(value['status']), stdout, stderr}
  }

  /** One that does not answer because it is off is told so. */
  async #explain(host: string, error: unknown, signal: AbortSignal | undefined): Promise<never> {
    if (codeOf(error) !== 'unreachable' || signal?.aborted) throw error
    const {answers, instance} = await this.machines.look(host, signal ? {signal} : {})
    if (answers || instance.state === 'running' || instance.state === 'pending') throw error
    const next = instance.state === 'terminated' ? `runctl ssh create --host ${host}` : `runctl ssh start ${host} --wait`
    throw new this.error('wrong_state', `instance ${host} is ${instance.state}, not running`, {next: [next], details: {instance_id: host, state: instance.state}, cause: error})
  }
}
