import type {VerifiedCheckpoint} from '../core/verify-checkpoints.js'
import {plural} from './plural.js'
import type {RenderEnv} from './render-env.js'
import {shownBytes} from './shown-values.js'
import {checkpointStateStyle} from './state-words.js'
import {renderTable} from './table.js'

/** A line a checkpoint: whether it is good, and what that is known from. */
export function renderVerified(verified: readonly VerifiedCheckpoint[], env: RenderEnv): string {
  return renderTable<VerifiedCheckpoint>(
    [
      {header: 'PATH', value: ({path}) => path, minWidth: 20, cut: 'start'},
      {header: 'VERDICT', value: ({ok}) => (ok ? 'good' : 'not good'), style: ({ok}) => (ok ? 'green' : 'red')},
      {header: 'STATE', value: ({state}) => state, style: ({state}) => checkpointStateStyle(state), priority: 3},
      {header: 'READ', value: row => `${row.read === 'bytes' ? 'all' : 'tables'}, ${shownBytes(row.bytes_read, env) ?? '-'}`, priority: 1},
      {header: 'DIGESTS', value: comparedWords, priority: 2},
      {header: 'WHY', value: ({why}) => why, minWidth: 20},
    ],
    verified, env, 'No checkpoints.',
  )
}

function comparedWords({compared}: VerifiedCheckpoint): string {
  if (compared.length === 0) return 'none known'
  const same = compared.filter(one => one.same).length
  return same === compared.length ? plural(same, 'agrees', 'agree') : `${same} of ${compared.length} agree`
}
