import type {Checkpoint, CheckpointTag} from '../model/checkpoint.js'

/** At most 256 characters: a long path keeps its end, which is the part that tells checkpoints apart. */
export function checkpointTag(checkpoint: Checkpoint): string {
  const tag = (path: string): string => {
    const value: CheckpointTag = {
      path,
      sha: checkpoint.sha256?.slice(0, 16) ?? '',
      epoch: checkpoint.epoch,
      step: checkpoint.step,
      size: checkpoint.size_bytes,
      // From the instance, like all of it: an endless one must not leave the loop below without an end.
      at: checkpoint.modified_at.slice(0, 40),
    }
    return JSON.stringify(value)
  }
  // Escapes make the JSON longer than its text, so the length is tried, not computed.
  let kept = checkpoint.path
  while (tag(kept).length > 256 && kept.length > 1) kept = `…${kept.slice(4)}`
  return tag(kept)
}

