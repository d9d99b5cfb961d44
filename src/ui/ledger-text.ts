import type {RunStatus} from '../agent/protocol.js'
import type {RunLedger} from '../core/run-ledger.js'
import {formatDuration} from './duration.js'
import {formatCost, formatHourly} from './money.js'
import {plural} from './plural.js'
import {renderRecord} from './record.js'
import type {RenderEnv} from './render-env.js'
import {renderRun} from './run-text.js'

export const renderRunWithLedger = (run: RunStatus, ledger: RunLedger | null, env: RenderEnv): string =>
  [renderRun(run, env), ...(ledger === null ? [] : [renderRecord([['Ledger', ledgerWords(ledger)]], env)])].join('\n')

/** `2 attempts, 3.4 h at $0.32/h (spot): $1.09, $2.33 less than on demand; 12m of work done twice; $0.11 an epoch`. What is unknown is left out. */
export function ledgerWords({attempts, cost_usd, hours, lifecycle, redone_s, saved_usd, usd_per_epoch, usd_per_hour}: RunLedger): string {
  const price = `${formatHourly(usd_per_hour)}${lifecycle === 'spot' ? ' (spot)' : ''}`
  const time = hours === null ? `hours not known, ${price}` : `${hours < 0.1 ? formatDuration(hours * 3_600_000) : `${hours.toFixed(1)} h`} at ${price}`
  const saved = saved_usd === null ? '' : saved_usd < 0 ? `, ${formatCost(-saved_usd)} more than on demand` : `, ${formatCost(saved_usd)} less than on demand`
  return [
    `${plural(attempts, 'attempt')}, ${time}: ${cost_usd === null ? 'cost unknown' : formatCost(cost_usd)}${saved}`,
    ...(redone_s === null || redone_s < 1 ? [] : [`${formatDuration(redone_s * 1000)} of work done twice`]),
    ...(usd_per_epoch === null || usd_per_epoch === 0 ? [] : [`${formatCost(usd_per_epoch)} an epoch`]),
  ].join('; ')
}
