import {randomInt} from 'node:crypto'
import {userInfo} from 'node:os'
import {Flags} from '@oclif/core'

import type {Configuration} from '../config/load-configuration.js'
import type {RehearseInput} from '../core/rehearse/drill.js'
import {KILL_KINDS, type KillKind} from '../core/rehearse/kill-kinds.js'
import {parseDuration} from '../model/duration.js'
import {RunctlError} from '../model/errors.js'
import {nearestName} from '../model/nearest-name.js'
import {durationFlag} from './duration-flag.js'
import {newRequestId} from './new-request-id.js'
import {trainFlags, trainInput, type TrainFlagValues} from './train-flags.js'

// What a drill decides by itself is left out: where it runs, where it writes to, what it resumes from.
const {concurrent: _concurrent, 'data-s3': _data, name: _name, 'output-s3': _output, resume: _resume, 'sync-code': _sync, timeout: _timeout, ...ofTraining} = trainFlags

export const rehearseFlags = {
  ...ofTraining,
  'sync-code': Flags.boolean({default: true, summary: 'Send the project folder: what happens in any case, said in so many words.'}),
  kills: Flags.integer({default: 5, min: 1, max: 1000, helpValue: '<n>', summary: 'How many times to kill it.'}),
  kinds: Flags.custom<readonly KillKind[]>({
    default: async () => KILL_KINDS,
    defaultHelp: async () => KILL_KINDS.join(','),
    helpValue: '<kind>,…',
    parse: async text => parseKinds(text),
    summary: 'What happens: term (asked to stop), kill (SIGKILL), write (SIGKILL while it writes a checkpoint), upload (the instance is lost while one is uploaded), instance (power cut).',
  })(),
  seed: Flags.integer({min: 0, max: 0xffff_ffff, helpValue: '<n>', summary: 'Draw the same kinds and moments as a drill before. Default: by chance; the report names it.'}),
  grace: durationFlag({default: parseDuration('10s'), defaultHelp: async () => '10s', summary: 'What the script may take to save when it is asked to stop.'}),
  timeout: durationFlag({default: parseDuration('30m'), defaultHelp: async () => '30m', summary: 'For all of the drill.'}),
  exact: Flags.boolean({default: false, summary: 'Fail where the result is not the same byte for byte as that of the uninterrupted run.'}),
  keep: Flags.boolean({default: false, summary: 'Leave the instances of the drill there, with logs and checkpoints.'}),
}

export interface RehearseFlagValues extends Omit<TrainFlagValues, 'concurrent' | 'data-s3' | 'name' | 'output-s3' | 'resume' | 'sync-code'> {
  readonly kills: number
  readonly kinds: readonly KillKind[]
  readonly seed: number | undefined
  readonly grace: number
  readonly timeout: number
  readonly exact: boolean
  readonly keep: boolean
}

export async function rehearseInput(script: string, args: readonly string[], flags: RehearseFlagValues, {config, version}: {readonly config: Configuration; readonly version: string}): Promise<RehearseInput> {
  const {exact, grace: graceMs, keep, kills, kinds, seed = randomInt(0x1_0000_0000), timeout: timeoutMs, ...rest} = flags
  const unset = {concurrent: undefined, 'data-s3': undefined, name: undefined, 'output-s3': undefined, resume: undefined, 'sync-code': true}
  const train = await trainInput(script, args, {...rest, ...unset}, config)
  return {train, seed, kills, kinds, graceMs, timeoutMs, exact, keep, requestId: newRequestId(), owner: userInfo().username, version}
}

function parseKinds(text: string): readonly KillKind[] {
  const words = text.split(',').map(word => word.trim()).filter(word => word !== '')
  if (words.length === 0) throw new RunctlError('bad_input', `--kinds wants some of ${KILL_KINDS.join(', ')}`)
  return [...new Set(words.map(word => {
    const kind = KILL_KINDS.find(one => one === word.toLowerCase())
    if (kind) return kind
    const near = nearestName(word, KILL_KINDS)
    throw new RunctlError('bad_input', `there is no kind ${JSON.stringify(word)}: ${KILL_KINDS.join(', ')}${near === null ? '' : ` (did you mean ${near}?)`}`)
  }))]
}
