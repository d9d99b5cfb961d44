import type {Configuration} from '../config/load-configuration.js'
import {RunctlError} from '../model/errors.js'
import type {CommandChange} from './same-command.js'
import type {TrainFlagValues} from './train-flags.js'

/**
 * Refuses what would be passed over in silence. Only what was typed: a setting for all scripts need not fit each of them. `again` is the
 * command as it was typed but for a change.
 */
export function refuseIgnoredFlags(
  script: string,
  flags: Pick<TrainFlagValues, 'include-pattern' | 'python' | 'sync-code'>,
  config: Configuration,
  again: (change: CommandChange) => string,
): void {
  const syncs = flags['sync-code'] ?? config.get('train.sync_code')
  if (flags['include-pattern'] !== undefined && !syncs) {
    const why = flags['sync-code'] === undefined ? 'train.sync_code is false' : '--no-sync-code is given'
    throw new RunctlError('bad_input', `--include-pattern says what else is sent, but nothing is sent: ${why}`, {
      next: [again({without: [{flag: 'no-sync-code', takesValue: false}], plus: ['--sync-code']}), again({without: [{flag: 'include-pattern', takesValue: true}]})],
    })
  }
  if (flags.python !== undefined && !script.endsWith('.py')) {
    throw new RunctlError('bad_input', `--python runs .py files; ${script} runs by itself, so it would not be used`, {
      next: [again({without: [{flag: 'python', takesValue: true}]})],
    })
  }
}
