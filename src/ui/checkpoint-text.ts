import type {Checkpoint, CheckpointPlace} from '../model/checkpoint.js'
import {mainMetric} from '../model/main-metric.js'
import {formatBytes} from './bytes.js'
import {formatAgo} from './duration.js'
import type {Pair} from './record.js'
import type {RenderEnv} from './render-env.js'
import {shownAge, shownBytes, shownFigure, shownNumber} from './shown-values.js'
import {checkpointStateStyle} from './state-words.js'
import {renderTable, type Column} from './table.js'
import {formatTime} from './timestamp.js'

export function renderCheckpointList(checkpoints: readonly Checkpoint[], env: RenderEnv, empty = 'No checkpoints.'): string {
  const severalRuns = new Set(checkpoints.map(({run_id}) => run_id)).size > 1
  return renderTable(checkpointColumns(env, severalRuns), checkpoints, env, empty)
}

/** What is known of one checkpoint, for a record. */
export function checkpointPairs(checkpoint: Checkpoint, env: RenderEnv): readonly Pair[] {
  const {metrics, size_bytes: size, state: judged, state_detail: detail} = checkpoint
  const state = detail === null ? judged : `${judged}: ${detail}`
  const figures = Object.entries(metrics).map(([name, figure]) => `${name} ${shownFigure(figure, env)}`)
  return [
    ['Path', checkpoint.path],
    ['State', state, checkpointStateStyle(judged)],
    ['Format', checkpoint.format],
    ['Epoch', shownNumber(checkpoint.epoch)],
    ['Step', shownNumber(checkpoint.step)],
    ['Metrics', figures.length === 0 ? undefined : figures.join(', ')],
    ['Size', env.format === 'text' ? String(size) : `${formatBytes(size)} (${size} bytes)`],
    ['SHA-256', checkpoint.sha256],
    ['Modified', env.format === 'text' ? checkpoint.modified_at : modified(checkpoint, env)],
    ['Run', checkpoint.run_id],
    ['Places', checkpoint.places.map(place => placeWords(place, env))],
  ]
}

/** In one line: `checkpoints/epoch_3.pt (epoch 3, step 400, 5m ago)`. Raw: escape it, or give it to a renderer that does. */
export function checkpointSummary(checkpoint: Checkpoint, env: RenderEnv): string {
  const facts = [
    ...(checkpoint.epoch === null ? [] : [`epoch ${checkpoint.epoch}`]),
    ...(checkpoint.step === null ? [] : [`step ${checkpoint.step}`]),
    formatAgo(checkpoint.modified_at, env.now) ?? checkpoint.modified_at,
  ]
  return `${checkpoint.path} (${facts.join(', ')})`
}

function checkpointColumns(env: RenderEnv, severalRuns: boolean): readonly Column<Checkpoint>[] {
  return [
    {header: 'PATH', value: row => row.path, minWidth: 30, cut: 'start'},
    {header: 'EPOCH', value: row => shownNumber(row.epoch), align: 'right', priority: 4},
    {header: 'STEP', value: row => shownNumber(row.step), align: 'right', priority: 6},
    {header: 'METRIC', value: row => metricWords(row, env), priority: 2},
    {header: 'SIZE', value: row => shownBytes(row.size_bytes, env), align: 'right', priority: 3},
    {header: 'AGE', value: row => shownAge(row.modified_at, env), align: 'right', priority: 7},
    {header: 'STATE', value: row => row.state, style: row => checkpointStateStyle(row.state)},
    {header: 'WHERE', value: row => placeKinds(row.places), minWidth: 8, priority: 8},
    {header: 'TAGS', value: row => (row.tags.length === 0 ? null : row.tags.join(',')), minWidth: 6, priority: 5},
    // The same names in each: only the run tells them apart. Programs have it always.
    {header: 'RUN', value: row => (severalRuns || env.format === 'text' ? row.run_id : null), priority: 1},
  ]
}

/** `loss 0.31` */
function metricWords({metrics}: Checkpoint, env: RenderEnv): string | null {
  const main = mainMetric(metrics)
  return main && `${main.name} ${shownFigure(main.value, env)}`
}

function placeKinds(places: readonly CheckpointPlace[]): string | null {
  return places.length === 0 ? null : [...new Set(places.map(place => place.kind))].join(',')
}

function placeWords(place: CheckpointPlace, env: RenderEnv): string {
  const where = place.kind === 's3' ? `s3://${place.where}/${place.path}` : `${place.kind} ${place.where}: ${place.path}`
  const ago = env.format === 'text' ? place.verified_at : formatAgo(place.verified_at, env.now)
  return `${where} (${ago === null ? 'not verified there' : `verified ${ago}`})`
}

function modified(checkpoint: Checkpoint, env: RenderEnv): string {
  const time = formatTime(checkpoint.modified_at) ?? '-'
  const ago = formatAgo(checkpoint.modified_at, env.now)
  return ago === null ? time : `${time} (${ago})`
}
