import type {RunStatus, UploadState} from '../agent/protocol.js'
import {formatBytes} from './bytes.js'
import {checkpointSummary} from './checkpoint-text.js'
import {formatAgo, formatDuration} from './duration.js'
import {fitWidth} from './display-width.js'
import {escapeLine} from './escape-control.js'
import {paint} from './paint.js'
import {plural} from './plural.js'
import {renderRecord, type Pair} from './record.js'
import type {RenderEnv} from './render-env.js'
import {shownAge, shownNumber} from './shown-values.js'
import {runStateStyle, runStateWords} from './state-words.js'
import {renderTable, type Column} from './table.js'
import {formatTime} from './timestamp.js'

/** `further`: what else is to stand in the record. */
export function renderRun(run: RunStatus, env: RenderEnv, further: readonly Pair[] = []): string {
  const record = renderRecord(
    [
      ['Run', run.name === null ? run.run_id : `${run.run_id} (${run.name})`],
      ['State', runStateWords(run), runStateStyle(run)],
      ['Detail', run.detail ?? undefined],
      ['Project', run.project],
      ['Script', [run.script, ...run.args].map(quoted).join(' ')],
      ['Resumed from', run.resume_from ?? undefined],
      ['Resume alarm', run.resume_alarm ?? undefined, 'red'],
      ['Attempt', run.attempt > 1 ? `${run.attempt}${run.parent_run_id === null ? '' : `, after ${run.parent_run_id}`}` : undefined],
      ['Started', started(run, env)],
      ['Took', ranFor(run, env)],
      ['Checkpoints', checkpoints(run, env)],
      ['Output', output(run, env)],
      ['Log', `${run.log_path}${env.format === 'text' ? '' : ` (${formatBytes(run.log_size_bytes)})`}`],
      ...further,
    ],
    env,
  )
  return [record, ...lastLine(run, env), ...leftover(run, env), ...uploadTrouble(run, env)].join('\n')
}

export function renderRunList(runs: readonly RunStatus[], env: RenderEnv, empty = 'No runs.'): string {
  return renderTable(runColumns(env), runs, env, empty)
}

function runColumns(env: RenderEnv): readonly Column<RunStatus>[] {
  return [
    {header: 'RUN', value: run => run.run_id},
    {header: 'NAME', value: run => run.name, minWidth: 8, priority: 2},
    {header: 'STATE', value: run => runStateWords(run), style: run => runStateStyle(run)},
    {header: 'SCRIPT', value: run => run.script, minWidth: 12, cut: 'start', priority: 5},
    {header: 'AGE', value: run => shownAge(run.started_at ?? run.created_at, env), align: 'right', priority: 4},
    {header: 'TOOK', value: run => ranFor(run, env) ?? null, align: 'right', priority: 3},
    {header: 'STEP', value: run => shownNumber(run.last_checkpoint?.step ?? null), align: 'right', priority: 6},
    {header: 'PROJECT', value: run => run.project, minWidth: 8, priority: 1},
  ]
}

function started(run: RunStatus, env: RenderEnv): string | null {
  const ago = formatAgo(run.started_at, env.now)
  return env.format === 'text' || ago === null ? run.started_at : `${formatTime(run.started_at) ?? ''} (${ago})`
}

/** So that it can be seen where an argument ends. */
function quoted(argument: string): string {
  return /^[^\s'"]+$/.test(argument) ? argument : JSON.stringify(argument)
}

/** To its end, or until now. */
function ranFor(run: RunStatus, env: RenderEnv): string | undefined {
  if (run.started_at === null) return undefined
  const end = run.ended_at === null ? env.now.getTime() : Date.parse(run.ended_at)
  const ms = end - Date.parse(run.started_at)
  if (Number.isNaN(ms)) return undefined
  return env.format === 'text' ? String(Math.max(0, Math.round(ms / 1000))) : formatDuration(ms)
}

function checkpoints(run: RunStatus, env: RenderEnv): string {
  const last = run.last_checkpoint
  if (env.format === 'text') return last?.path ?? '-'
  if (last === null) return run.checkpoint_count === 0 ? (run.state === 'stopped' ? 'none' : 'none yet') : `${run.checkpoint_count}, none of them complete`
  return `${run.checkpoint_count}, the last ${checkpointSummary(last, env)}`
}

function output({output_uri, upload}: RunStatus, env: RenderEnv): string | undefined {
  if (output_uri === null) return undefined
  return env.format === 'text' || upload === null ? output_uri : uploadWords(output_uri, upload)
}

/** `4 files in s3://…`, `uploaded 3 of 4 files to s3://… (12 MB to go)`; where the agent has not counted yet, `uploading to s3://… (0 files so far)`. */
export function uploadWords(uri: string, {done, pending, pending_bytes}: UploadState): string {
  if (pending === 0) return done === 0 ? `${uri} (nothing yet)` : `${plural(done, 'file')} in ${uri}`
  if (pending_bytes === 0) return `uploading to ${uri} (${plural(done, 'file')} so far)`
  return `uploaded ${done} of ${plural(done + pending, 'file')} to ${uri} (${formatBytes(pending_bytes)} to go)`
}

function uploadTrouble({upload}: RunStatus, env: RenderEnv): readonly string[] {
  if (!upload) return []
  const error = upload.error === null ? null : escapeLine(upload.error)
  if (env.format === 'text') return [`Uploaded\t${upload.done}\t${upload.pending}`, ...(error === null ? [] : [`Upload error\t${error}`])]
  return error === null ? [] : ['', paint(`The upload fails: ${error}`, 'red', env.color)]
}

function lastLine(run: RunStatus, env: RenderEnv): readonly string[] {
  if (run.last_log_line === null) return []
  const line = escapeLine(run.last_log_line)
  if (env.format === 'text') return [`Last line\t${line}`]
  const ago = formatAgo(run.last_log_at, env.now)
  return ['', `Last line${ago === null ? '' : `, ${ago}`}:`, `  ${paint(fitWidth(line, env.width - 2), 'dim', env.color)}`]
}

function leftover(run: RunStatus, env: RenderEnv): readonly string[] {
  if (run.state !== 'stopped' || run.processes_alive === 0) return []
  const warning = `Warning: the script has ended, but ${plural(run.processes_alive, 'process', 'processes')} of this run still run.`
  if (env.format === 'text') return [`Processes\t${run.processes_alive}`]
  return ['', paint(warning, 'yellow', env.color)]
}
