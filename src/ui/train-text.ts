import type {RunLedger} from '../core/run-ledger.js'
import type {SyncReport} from '../core/sync-and-start.js'
import type {TrainResult} from '../core/train.js'
import {formatBytes} from './bytes.js'
import {ledgerWords} from './ledger-text.js'
import {plural} from './plural.js'
import {renderRecord} from './record.js'
import type {RenderEnv} from './render-env.js'
import {renderRun} from './run-text.js'

/** What was sent and what runs now, with the commands to go on. */
export function renderTrain(result: TrainResult & {readonly ledger?: RunLedger | null; readonly waited?: boolean}, env: RenderEnv): string {
  const {instance_id, platform} = result
  // Who waited has read the log.
  const run = result.waited ? {...result.run, last_log_line: null} : result.run
  const facts = renderRecord([
    ['Code', result.sync ? syncWords(result.sync) : 'not sent'],
    ['Data', result.data_sync ? syncWords(result.data_sync) : undefined],
    ['Ledger', result.ledger ? ledgerWords(result.ledger) : undefined],
  ], env)
  const next = run.state === 'stopped' ? [] : ['', `Follow it:  runctl ${platform} monitor ${instance_id} --follow`, `Save, stop: runctl ${platform} stop ${instance_id}`]
  return [renderRun(run, env), facts, ...(env.format === 'text' ? [] : next)].join('\n')
}

/** `3 files sent (12 kB), 1 removed`, `nothing changed`. */
export function syncWords(sync: SyncReport): string {
  const sent = sync.files_sent === 0 ? 'nothing changed' : `${plural(sync.files_sent, 'file')} sent (${formatBytes(sync.bytes_sent)})`
  const removed = sync.files_removed === 0 ? '' : `, ${sync.files_removed} removed`
  return `${sent}${removed}, ${plural(sync.files_total, 'file')} in ${sync.dir}`
}
