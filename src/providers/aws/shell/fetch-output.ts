import {RunctlError} from '../../../model/errors.js'
import {quoteForShell} from '../../../model/quote-for-shell.js'
import {decode, type DoneAnswer} from './answer.js'
import {INLINE_OUTPUT_BYTES} from './wrapper.js'

/** Five commands run at once on an instance: one is left for others. */
const PARALLEL_PARTS = 4
const PART_FRAME = /^RUNCTL1 part (\d+)\r?$/m

/** Runs a bare script as root and gives its standard output, at most 24,000 characters. Repeating it does no harm. */
export type RunBare = (script: string) => Promise<string>

/** The whole packed output: what the answer holds, and the rest by further commands. null where a part is not to be had. */
export async function fetchParts(answer: DoneAnswer, runBare: RunBare): Promise<Uint8Array | null> {
  if (answer.packed.length === answer.packedBytes) return answer.packed
  const offsets: number[] = []
  for (let offset = answer.packed.length; offset < answer.packedBytes; offset += INLINE_OUTPUT_BYTES) offsets.push(offset)
  const parts = new Map<number, Uint8Array | null>()
  const queue = [...offsets]
  const worker = async (): Promise<void> => {
    for (let offset = queue.shift(); offset !== undefined; offset = queue.shift()) {
      const part = await fetchPart(answer, offset, runBare)
      parts.set(offset, part)
      if (part === null) queue.length = 0
    }
  }
  await Promise.all(Array.from({length: Math.min(PARALLEL_PARTS, offsets.length)}, worker))
  const found = offsets.map(offset => parts.get(offset) ?? null)
  return found.includes(null) ? null : Buffer.concat([answer.packed, ...found.filter(part => part !== null)])
}

async function fetchPart(answer: DoneAnswer, offset: number, runBare: RunBare): Promise<Uint8Array | null> {
  const length = Math.min(INLINE_OUTPUT_BYTES, answer.packedBytes - offset)
  const script = `echo RUNCTL1 part ${offset}; tail -c +${offset + 1} ${quoteForShell(`${answer.folder}/output.gz`)} | head -c ${length} | base64\nexit 0\n`
  const text = await runBare(script)
  const found = PART_FRAME.exec(text)
  return found && Number(found[1]) === offset ? decode(text.slice(found.index + found[0].length), length) : null
}

export function damagedOutput(instanceId: string, answer: DoneAnswer): RunctlError {
  const total = answer.stdoutBytes + answer.stderrBytes
  return new RunctlError('platform_failed', `the command on ${instanceId} ended with exit status ${answer.exitCode}, but its output of ${total} bytes did not arrive whole`, {
    details: {instance_id: instanceId, cause: 'output_lost', exit_code: answer.exitCode},
  })
}
