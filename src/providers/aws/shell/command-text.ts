import {gzipSync} from 'node:zlib'

import {RunctlError} from '../../../model/errors.js'
import {quoteForShell} from '../../../model/quote-for-shell.js'
import {TRANSFER_PROGRAM} from './wrapper/result-and-transfer.js'
import {INLINE_OUTPUT_BYTES, PIPED_INPUT_BYTES, WRAPPER} from './wrapper.js'

/** AWS takes 32 KB of parameters; a little is left for the other parameters and for JSON. */
export const MAX_COMMAND_BYTES = 31_800
/**
 * The most bytes of standard input that always fit into a command, however little they compress, with a script of usual length
 * (1.5 KB compressed) and without URLs: see the test that measures it.
 */
export const INLINE_INPUT_BYTES = 18_500
/** The script is one argument of `sh -c`, and Linux allows 128 KiB for one. */
export const MAX_SCRIPT_BYTES = 96 * 1024

export interface CommandRequest {
  /** Letters, digits and `-`. */
  readonly requestId: string
  /** null where the same command goes to several: each finds out which one it is. */
  readonly instanceId: string | null
  readonly script: string
  readonly stdin: Uint8Array
  readonly timeoutMs: number
  readonly maxOutputBytes: number
  /** Standard input lies there instead (presigned). */
  readonly input?: {readonly url: string; readonly sha256: string}
  /** Where to put output that is too long for the answer (presigned). */
  readonly outputUrl?: string
}

/** The text for AWS-RunShellScript, or null where it would be too long. Holds no `{{`, whatever the script is. */
export function commandText(request: CommandRequest): string | null {
  const text = payloadText(request)
  return text.length > MAX_COMMAND_BYTES ? null : text
}

/** Rejects what no way of sending can carry. */
export function checkScript(script: string): void {
  if (script.includes('\0')) throw new RunctlError('bad_input', 'a command cannot hold a NUL character')
  const size = Buffer.byteLength(script)
  if (size > MAX_SCRIPT_BYTES) throw new RunctlError('bad_input', `a command of ${size} bytes is longer than the ${MAX_SCRIPT_BYTES} that Linux takes`)
}

function payloadText(request: CommandRequest): string {
  const script = Buffer.from(request.script)
  const inline = request.input ? new Uint8Array() : request.stdin
  const program = (offset: number): Buffer => Buffer.from(programText(request, {script: offset + 1, scriptBytes: script.length, input: offset + script.length + 1, inputBytes: inline.length}))
  // The offsets are part of the text that they point behind: they are written with a fixed width.
  const front = program(program(0).length)
  const payload = gzipSync(Buffer.concat([front, script, inline]), {level: 9}).toString('base64')
  return `payload=${payload}\neval "$(printf %s $payload|base64 -d|gzip -dc 2>/dev/null|head -c ${front.length})"\n`
}

/** Counted from 1. */
interface Offsets {
  readonly script: number
  readonly scriptBytes: number
  readonly input: number
  readonly inputBytes: number
}

function programText(request: CommandRequest, at: Offsets): string {
  const values = {
    request_id: request.requestId,
    instance_id: request.instanceId ?? '',
    time_limit_s: Math.max(1, Math.ceil(request.timeoutMs / 1000)),
    max_output_bytes: request.maxOutputBytes,
    script_at: at.script,
    script_bytes: at.scriptBytes,
    input_at: at.input,
    input_bytes: at.inputBytes,
    input_url: request.input?.url ?? '',
    input_sha256: request.input?.sha256 ?? '',
    output_url: request.outputUrl ?? '',
    inline_output_bytes: INLINE_OUTPUT_BYTES,
    piped_input_bytes: PIPED_INPUT_BYTES,
    transfer_program: TRANSFER_PROGRAM,
  }
  const assignments = Object.entries(values).map(([name, value]) => `${name}=${typeof value === 'number' ? fixed(value) : quoteForShell(value)}\n`)
  return assignments.join('') + WRAPPER
}

/** No leading zeros: `head` and `tail` of some systems take them for octal. Blanks behind an assignment are no part of it. */
const fixed = (value: number): string => String(value).padEnd(8, ' ')
