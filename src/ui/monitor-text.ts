import type {RunStatus} from '../agent/protocol.js'
import type {Checkpoint} from '../model/checkpoint.js'
import {renderCheckpointList} from './checkpoint-text.js'
import type {LimitsState} from '../model/limits.js'
import type {SaveFit} from '../model/save-fit.js'
import {escapeControl} from './escape-control.js'
import {goOnLine} from './go-on-text.js'
import {limitPairs} from './limits-text.js'
import type {RenderEnv} from './render-env.js'
import {riskLines} from './risk-text.js'
import {renderRun} from './run-text.js'

export interface MonitorFacts {
  readonly instance_id: string
  readonly run: RunStatus
  readonly log_lines: readonly string[]
  readonly checkpoints: readonly Checkpoint[]
  readonly save_fit: SaveFit | null
  readonly limits: LimitsState | null
}

const SHOWN_CHECKPOINTS = 5

/** The end of the log, the checkpoints so far, and the state of the run: what happened last stands last. */
export function renderMonitor({checkpoints, instance_id, limits, log_lines, run, save_fit}: MonitorFacts, env: RenderEnv): string {
  const log = log_lines.map(line => escapeControl(line)).join('\n')
  // Of a long run, the newest are what one looks for; `text` is for programs and complete.
  const shown = env.format === 'text' ? checkpoints : checkpoints.slice(-SHOWN_CHECKPOINTS)
  const earlier = checkpoints.length - shown.length
  return [
    log === '' ? 'The log is empty.' : log,
    renderCheckpointList(shown, env, 'No checkpoints yet.') + (earlier > 0 ? `\nand ${earlier} earlier` : ''),
    // The log's end stands above.
    [renderRun({...run, last_log_line: null}, env, limitPairs(limits, null, env)), ...riskLines({save_fit}, env)].join('\n'),
    goOnLine(run, instance_id, env),
  ].filter(part => part !== '').join('\n\n')
}
