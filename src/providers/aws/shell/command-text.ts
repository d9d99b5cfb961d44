import {gzipSync} from 'node:zlib'

import {RunctlError} from '../../../model/errors.js'
import {quoteForShell} from '../../../model/quote-for-shell.js'
import {WRAPPER} from './wrapper.js'

/** AWS takes 32 KB of parameters; a little is left for the other parameters and for JSON. */
export const MAX_COMMAND_BYTES = 31_800
/**
 * The most bytes of standard input that always fit into a command, however little they compress, with a script of usual length
 * (1.5 KB compressed) and without URLs: see the test that measures it.
 */
export const INLINE_INPUT_BYTES = 19_000
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
  return `p=${payload}\neval "$(printf %s $p|base64 -d|gzip -dc 2>/dev/null|head -c ${front.length})"\n`
}

interface Offsets {
  readonly script: number
  readonly scriptBytes: number
  readonly input: number
  readonly inputBytes: number
}

function programText(request: CommandRequest, at: Offsets): string {
  const values = {
    i: request.requestId,
    n: request.instanceId ?? '',
    t: String(Math.max(1, Math.ceil(request.timeoutMs / 1000))),
    m: String(request.maxOutputBytes),
    s: fixed(at.script),
    l: String(at.scriptBytes),
    o: fixed(at.input),
    j: String(at.inputBytes),
    I: request.input?.url ?? '',
    H: request.input?.sha256 ?? '',
    U: request.outputUrl ?? '',
  }
  return Object.entries(values).map(([name, value]) => `${name}=${quoteForShell(value)}\n`).join('') + WRAPPER
}

/** No leading zeros: `head` and `tail` of some systems take them for octal. */
const fixed = (value: number): string => String(value).padEnd(8, ' ')
