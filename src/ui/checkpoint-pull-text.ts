import type {CheckpointPullResult} from '../core/pull-checkpoint.js'
import type {TagResult} from '../core/tag-checkpoint.js'
import {formatBytes} from './bytes.js'
import {plural} from './plural.js'
import {renderRecord} from './record.js'
import type {RenderEnv} from './render-env.js'
import {shownBytes, shownNumber} from './shown-values.js'
import {renderTable} from './table.js'

/** What is here now, and what of it had to come. */
export function renderCheckpointPull(result: CheckpointPullResult, env: RenderEnv): string {
  const {bytes_copied, bytes_resumed, checkpoints} = result
  const [only] = checkpoints
  if (env.format === 'text' || checkpoints.length !== 1 || !only) {
    return renderTable([
      {header: 'HERE', value: row => row.local_path, minWidth: 20, cut: 'start'},
      {header: 'STEP', value: row => shownNumber(row.step ?? row.epoch), align: 'right', priority: 1},
      {header: 'SIZE', value: row => shownBytes(row.size_bytes, env), align: 'right', priority: 2},
      {header: 'WHAT', value: row => row.what},
    ], checkpoints, env, 'No checkpoints.')
  }
  const came = only.what === 'unchanged' ? 'nothing: it was here already' : `${formatBytes(bytes_copied)}${bytes_resumed > 0 ? `; ${formatBytes(bytes_resumed)} were here from an earlier try` : ''}`
  return renderRecord([
    ['From', only.from],
    ['To', only.local_path],
    ['Epoch', only.epoch === null ? undefined : shownNumber(only.epoch)],
    ['Step', only.step === null ? undefined : shownNumber(only.step)],
    ['Copied', came],
    ['SHA-256', only.sha256 ?? 'not that of the one that was listed: it was written anew meanwhile'],
  ], env)
}

export function renderTags({path, places, sha256, tags}: TagResult, env: RenderEnv): string {
  return renderRecord([
    ['Checkpoint', path],
    ['SHA-256', sha256],
    ['Tags', tags.length === 0 ? 'none' : tags.join(' ')],
    ['In', places.map(({kind, path: at, where}) => (kind === 's3' ? `s3://${where}/${at}` : `${where}: ${at}`))],
    ['Note', places.length > 1 ? `${plural(places.length, 'copy', 'copies')} are tagged` : undefined],
  ], env)
}
