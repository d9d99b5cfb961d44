/** Why a rehearsal fails. Part of its JSON. */
export type ProblemCode =
  | 'cannot_resume'
  | 'cannot_tell'
  | 'ignores_resume'
  | 'last_checkpoint'
  | 'no_checkpoints'
  | 'none_verifies'
  | 'not_exact'
  | 'nothing_killed'
  | 'overwritten'
  | 'restarts'
  | 'script_fails'
  | 'skipped'
  | 'unfinished'

export interface Problem {
  readonly code: ProblemCode
  /** What was seen. Data of the script's may be in it: escape before display. */
  readonly message: string
  /** What mends it. */
  readonly advice: string
}

const ADVICE: Readonly<Record<ProblemCode, string>> = {
  cannot_resume: 'look at the log above all, and try it by hand: the script with RUNCTL_RESUME_FROM set to one of its own checkpoints',
  cannot_tell: 'print a line like "step 120" or "epoch 3/10" now and then: without one nobody can see what is repeated or left out',
  ignores_resume: 'read the path in the environment variable RUNCTL_RESUME_FROM, or take it as --resume-from PATH, and load that checkpoint before the first step',
  last_checkpoint: 'save at the end, too, and save in a checkpoint all that the next run counts from',
  no_checkpoints: 'save to the folder that RUNCTL_CHECKPOINT_DIR names, or say where they are: --checkpoint-dir, --checkpoint-pattern',
  none_verifies: 'write a checkpoint to a name that ends in .tmp and rename it when it is whole',
  not_exact: 'keep in the checkpoint all that chance and order depend on: random states, the position in the data, the optimizer and scheduler; or rehearse without --exact',
  nothing_killed: 'the script ended before any kill: give it more to do (more epochs), or fewer kills',
  overwritten: 'write to another name and rename it over the old one when it is whole: then there is always a good one',
  restarts: 'load the checkpoint that RUNCTL_RESUME_FROM names, and begin counting where it stands',
  script_fails: 'make it run to its end without interruption first: its log says why it does not',
  skipped: 'begin with the step after the one that the checkpoint says is done',
  unfinished: 'give it more time (--timeout), or less to do',
}

const MESSAGES: Readonly<Partial<Record<ProblemCode, string>>> = {
  cannot_tell: 'nothing in the log tells steps or epochs: whether it went on, or began anew, cannot be told',
  no_checkpoints: 'the script wrote no checkpoint: whatever ends it, all of its work is lost',
  not_exact: 'after the kills it ended with other bytes than the reference',
  nothing_killed: 'nothing was killed',
}

export const advise = (code: ProblemCode, message = MESSAGES[code] ?? code): Problem => ({code, message, advice: ADVICE[code]})
