import type {PlacedListing} from '../core/checkpoint-sources.js'
import {sizeWords, timeWords} from '../model/amount-words.js'
import {renderCheckpointList} from './checkpoint-text.js'
import {plural} from './plural.js'
import type {RenderEnv} from './render-env.js'
import {riskLines} from './risk-text.js'
import {wrapWords} from './wrap-words.js'

/** The list; below it, for people, what is at risk and what is not copied yet. */
export function renderPlacedList({at_risk, checkpoints, waiting}: Pick<PlacedListing, 'at_risk' | 'checkpoints' | 'waiting'>, env: RenderEnv): string {
  const list = renderCheckpointList(checkpoints, env)
  if (env.format === 'text') return list
  const below = [...riskLines({at_risk}, env), ...(waiting ? wrapWords(waitingWords(waiting, env), env.width) : [])]
  return below.length === 0 ? list : [list, '', ...below].join('\n')
}

/** `2 checkpoints (1.3 GB) not in s3 yet, since 4 min` */
function waitingWords({count, since, size_bytes}: NonNullable<PlacedListing['waiting']>, env: RenderEnv): string {
  const seconds = since === null ? Number.NaN : (env.now.getTime() - Date.parse(since)) / 1000
  return `${plural(count, 'checkpoint')} (${sizeWords(size_bytes)}) not in s3 yet${Number.isNaN(seconds) ? '' : `, since ${timeWords(seconds)}`}`
}
