import {createHash} from 'node:crypto'

import {RunctlError} from '../../../model/errors.js'
import {commandText, INLINE_INPUT_BYTES, MAX_COMMAND_BYTES, type CommandRequest} from './command-text.js'
import type {ShellJob} from './shell-job.js'
import {withSignal, type ShellParts} from './shell-parts.js'

/** A presigned URL is good for so long beyond the script's own time: delivery, resends and a slow upload are in it. */
const URL_SLACK_S = 900
const MAX_URL_S = 7 * 24 * 3600

/** What is sent for a job, and the objects that travel beside it. */
export interface Exchange {
  readonly requestId: string
  readonly text: string
  readonly inputUri: string | null
  readonly outputUri: string | null
}

/**
 * Makes the command for a job, and puts its input into the bucket where it is confidential or does not fit.
 * `instanceId` null: the same command goes to several, and none may put output anywhere.
 */
export async function prepareExchange(parts: ShellParts, job: ShellJob, instanceId: string | null, requestId: string, maxOutputBytes: number): Promise<Exchange> {
  const {request, stdin} = job
  const {store} = parts
  const scratch = store?.scratch ?? null
  const expires = Math.min(MAX_URL_S, Math.ceil(request.timeoutMs / 1000) + URL_SLACK_S)
  const base: CommandRequest = {requestId, instanceId, script: request.script, stdin, timeoutMs: request.timeoutMs, maxOutputBytes}
  if (!store || scratch === null) return {requestId, text: commandText(base) ?? tooLong(stdin.length), inputUri: null, outputUri: null}

  await store.prepareToPresign?.(scratch)
  const outputUri = instanceId === null ? null : `${scratch}${requestId}-${instanceId}.out`
  const command: CommandRequest = outputUri === null ? base : {...base, outputUrl: await store.presign(outputUri, 'PUT', expires)}
  const aside = request.confidential === true && stdin.length > 0
  const inline = aside ? null : commandText(command)
  if (inline !== null) return {requestId, text: inline, inputUri: null, outputUri}

  const inputUri = `${scratch}${requestId}-${instanceId ?? 'all'}.in`
  const input = {url: await store.presign(inputUri, 'GET', expires), sha256: createHash('sha256').update(stdin).digest('hex')}
  const text = commandText({...command, input}) ?? tooLong(0)
  await store.put(inputUri, stdin, withSignal(request.signal))
  return {requestId, text, inputUri, outputUri}
}

/** Takes away what an exchange put into the bucket; what is left expires by the bucket's own rule. */
export async function discardExchange(parts: ShellParts, exchange: Exchange, uploaded: boolean): Promise<void> {
  const uris = [exchange.inputUri, uploaded ? exchange.outputUri : null].filter(uri => uri !== null)
  if (uris.length > 0) await parts.store?.delete(uris).catch(() => undefined)
}

function tooLong(stdinBytes: number): never {
  const what = stdinBytes > 0 ? `a command with ${stdinBytes} bytes of input` : 'a command as long as this'
  throw new RunctlError('bad_input', `${what} does not fit into the ${MAX_COMMAND_BYTES} bytes that SSM takes`, {
    next: ['runctl aws setup'],
    details: {max_input_bytes: INLINE_INPUT_BYTES},
  })
}
