import {createHash, randomUUID} from 'node:crypto'

import {RunctlError} from '../../../model/errors.js'
import type {Shell, ShellRequest, ShellResult} from '../../provider.js'
import {type DoneAnswer, parseAnswer, unpackResult} from './answer.js'
import {hasName} from './aws-outcome.js'
import {checkScript, INLINE_INPUT_BYTES} from './command-text.js'
import {discardExchange, type Exchange, prepareExchange} from './exchange.js'
import {damagedOutput, fetchParts} from './fetch-output.js'
import {type Invocation, readInvocation} from './invocation.js'
import {NotDelivered, sendCommand, sendFailure} from './send-command.js'
import {answerError, explainSilence, invocationError, mayHaveArrived} from './shell-errors.js'
import {ShellJob} from './shell-job.js'
import {type ShellParts, withSignal} from './shell-parts.js'
import {watchCommand} from './watch-command.js'
import {systemClock, type AwsClock} from '../clock.js'

const MIB = 1024 * 1024
const INSTANCES_PER_COMMAND = 50
/** For a further command that fetches a part of an output. */
const PART_TIMEOUT_MS = 30_000
const INSTANCE_ID = /^m?i-[0-9a-f]{8,17}$/

/**
 * The shell over SSM Run Command. The script travels in a wrapper (wrapper.ts) that lets it run once, however often it is delivered, and reports
 * status and output in its own standard output. Large bytes go through the bucket where one is configured.
 */
export class SsmShell implements Shell {
  readonly maxInputBytes: number
  readonly maxOutputBytes: number
  readonly maxWaitMs = 20_000
  readonly recordsInput: boolean
  private readonly parts: ShellParts
  private waiting = new Map<string, ShellJob[]>()

  constructor(parts: Omit<ShellParts, 'clock'> & {readonly clock?: AwsClock}) {
    const store = parts.store?.scratch === null ? null : parts.store
    this.parts = {...parts, store, clock: parts.clock ?? systemClock}
    this.maxInputBytes = store ? 8 * MIB : INLINE_INPUT_BYTES
    this.maxOutputBytes = store ? 8 * MIB : MIB
    this.recordsInput = !store
  }

  async run(instanceId: string, request: ShellRequest): Promise<ShellResult> {
    request.signal?.throwIfAborted()
    if (!INSTANCE_ID.test(instanceId)) throw new RunctlError('not_found', `${instanceId} is no id of an EC2 instance`)
    checkScript(request.script)
    const size = request.stdin?.byteLength ?? 0
    if (size > this.maxInputBytes) throw new RunctlError('bad_input', `${size} bytes are more than the ${this.maxInputBytes} that one command takes as input`)
    const job = new ShellJob(instanceId, request)
    this.gather(job)
    return job.result
  }

  /** The same for several instances, asked for in one turn of the event loop, is one command. */
  private gather(job: ShellJob): void {
    if (this.waiting.size === 0) setImmediate(() => this.flush())
    const {confidential = false, script, timeoutMs} = job.request
    const sameCommand = createHash('sha256').update(JSON.stringify([script, timeoutMs, confidential])).update('\n').update(job.stdin).digest('hex')
    for (let copy = 0; ; copy++) {
      const key = `${sameCommand} ${copy}`
      const group = this.waiting.get(key) ?? []
      // Twice on one instance means two runs.
      if (group.length >= INSTANCES_PER_COMMAND || group.some(other => other.instanceId === job.instanceId)) continue
      this.waiting.set(key, [...group, job])
      return
    }
  }

  private flush(): void {
    const groups = [...this.waiting.values()]
    this.waiting = new Map()
    for (const group of groups) {
      const jobs = group.filter(job => !job.settled)
      const [only] = jobs
      if (only) void (jobs.length === 1 ? this.runOne(only, randomUUID()) : this.runTogether(jobs))
    }
  }

  private async runOne(job: ShellJob, requestId: string): Promise<void> {
    try {
      const exchange = await prepareExchange(this.parts, job, job.instanceId, requestId, this.maxOutputBytes)
      await this.deliver([job], exchange)
    } catch (error) {
      job.reject(await this.explainSending(job, error))
    }
  }

  private async runTogether(jobs: readonly ShellJob[]): Promise<void> {
    const [first] = jobs
    if (!first) return
    try {
      const exchange = await prepareExchange(this.parts, first, null, randomUUID(), this.maxOutputBytes)
      await this.deliver(jobs, exchange)
    } catch (error) {
      // One id that AWS does not take refuses the call for all.
      const apart = error instanceof NotDelivered && hasName(error.cause, 'InvalidInstanceId')
      const left = jobs.filter(job => !job.settled)
      if (apart) await Promise.all(left.map(job => this.runOne(job, randomUUID())))
      else for (const job of left) job.reject(await this.explainSending(job, error))
    }
  }

  private async deliver(jobs: readonly ShellJob[], exchange: Exchange): Promise<void> {
    const [first] = jobs
    if (!first) return
    const signal = jobs.length === 1 ? first.request.signal : undefined
    let uploaded = false
    try {
      const command = {instanceIds: jobs.map(job => job.instanceId), requestId: exchange.requestId, text: exchange.text, timeoutMs: first.request.timeoutMs}
      const commandId = await sendCommand(this.parts, command, signal)
      await watchCommand(this.parts, commandId, jobs, async (job, invocation) => {
        uploaded = (await this.conclude(job, exchange, commandId, invocation)) || uploaded
      })
    } finally {
      await discardExchange(this.parts, exchange, uploaded)
    }
  }

  /** Settles a job by how its command ended. true: its output came through the bucket. */
  private async conclude(job: ShellJob, exchange: Exchange, commandId: string, seen: Invocation): Promise<boolean> {
    const {instanceId, request} = job
    const {signal, timeoutMs} = request
    // Else at leisure; but a program that ends now should not leave secrets behind.
    if (request.confidential && exchange.outputUri !== null) await discardExchange(this.parts, exchange, false)
    let invocation = seen
    let answer = parseAnswer(invocation.stdout)
    if (answer === null && exchange.outputUri === null) {
      invocation = (await readInvocation(this.parts, commandId, instanceId, signal)) ?? seen
      answer = parseAnswer(invocation.stdout)
    }
    if (answer === null) {
      job.reject(await invocationError(this.parts, instanceId, timeoutMs, invocation, signal))
      return false
    }
    if (answer.kind !== 'done') {
      job.reject(answerError(instanceId, timeoutMs, this.maxOutputBytes, answer, invocation.stderr))
      return false
    }
    const {uploaded} = answer
    if (!uploaded && this.mayUpload(job, exchange, answer)) {
      // The same request again, now with a place for the output: the guard has it answered by the first one's result.
      await this.runOne(job, exchange.requestId)
      return false
    }
    const packed = uploaded ? await this.download(exchange, signal) : await fetchParts(answer, script => this.runBare(instanceId, script, signal))
    const result = packed && unpackResult(answer, packed)
    if (result) job.resolve(result)
    else job.reject(damagedOutput(instanceId, answer))
    return uploaded
  }

  /** Sent together, so without a place for a long output; and certainly the same guard when sent alone. */
  private mayUpload(job: ShellJob, exchange: Exchange, answer: DoneAnswer): boolean {
    const isLong = answer.packed.length < answer.packedBytes
    return isLong && this.parts.store !== null && exchange.outputUri === null && answer.folder.endsWith(`/${exchange.requestId}-${job.instanceId}.d`)
  }

  private async download({outputUri}: Exchange, signal: AbortSignal | undefined): Promise<Uint8Array | null> {
    return outputUri === null || !this.parts.store ? null : this.parts.store.get(outputUri, withSignal(signal))
  }

  private async runBare(instanceId: string, script: string, signal: AbortSignal | undefined): Promise<string> {
    const job = new ShellJob(instanceId, {script, timeoutMs: PART_TIMEOUT_MS, ...withSignal(signal)})
    job.result.catch(() => undefined)
    let output = ''
    try {
      const command = {instanceIds: [instanceId], requestId: `part ${randomUUID()}`, text: script, timeoutMs: PART_TIMEOUT_MS}
      const commandId = await sendCommand(this.parts, command, signal)
      await watchCommand(this.parts, commandId, [job], async (_, invocation) => {
        if (invocation.status !== 'Success') throw await invocationError(this.parts, instanceId, PART_TIMEOUT_MS, invocation, signal)
        output = invocation.stdout
        job.resolve({exitCode: 0, stdout: new Uint8Array(), stderr: new Uint8Array()})
      })
    } catch (error) {
      job.reject(await this.explainSending(job, error))
    }
    await job.result
    return output
  }

  private async explainSending(job: ShellJob, error: unknown): Promise<unknown> {
    const {instanceId, request} = job
    if (request.signal?.aborted) return request.signal.reason
    if (!hasName(error instanceof NotDelivered ? error.cause : error, 'InvalidInstanceId')) return sendFailure(error, request.signal)
    try {
      const silence = await explainSilence(this.parts, instanceId, 'SSM does not take the command', request.signal)
      return error instanceof NotDelivered ? silence : mayHaveArrived(silence)
    } catch (failure) {
      return failure
    }
  }
}
