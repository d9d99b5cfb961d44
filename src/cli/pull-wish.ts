import {readOrigin, type OriginFlags} from '../core/checkpoint-origin.js'
import type {CheckpointPullInput} from '../core/pull-checkpoint.js'
import {isStoreUri} from '../core/store-place.js'
import {RunctlError} from '../model/errors.js'

/** What the arguments of `checkpoint pull` mean: with --all, and where a URI names it, there is no name. Throws `bad_input`. */
export function pullWish(
  flags: OriginFlags & {readonly all: boolean},
  args: {readonly checkpoint?: string | undefined; readonly destination?: string | undefined},
  command: string,
): Pick<CheckpointPullInput, 'destination' | 'origin' | 'wanted'> {
  const examples = [`${command} --instance-id INSTANCE`, `${command} --run RUN`, `${command} s3://BUCKET/PREFIX`]
  const uri = args.checkpoint !== undefined && isStoreUri(args.checkpoint) ? args.checkpoint : undefined
  const origin = readOrigin(flags, uri, examples)
  if (origin.kind === 'folder') throw new RunctlError('bad_input', `${origin.dir} is on this machine already`, {next: examples})
  if (!flags.all) return {origin, wanted: (uri === undefined ? args.checkpoint : undefined) ?? 'latest', destination: args.destination ?? null}
  // All of an instance have no name: what stands there is the destination.
  const [first, second] = uri === undefined ? [args.checkpoint, args.destination] : [args.destination, undefined]
  if (second !== undefined) throw new RunctlError('bad_input', `with --all no checkpoint is named: ${JSON.stringify(args.checkpoint)} is one too many`, {next: [`${command} --all --run RUN ./checkpoints`]})
  return {origin, wanted: 'all', destination: first ?? null}
}
