import type {KillReport, RehearsalReport} from '../core/rehearse/rehearsal-report.js'
import {formatDuration} from './duration.js'
import {escapeLine} from './escape-control.js'
import {paint} from './paint.js'
import {plural} from './plural.js'
import {renderRecord} from './record.js'
import type {RenderEnv} from './render-env.js'
import {shownNumber} from './shown-values.js'
import {renderTable, type Column} from './table.js'
import {wrapWords} from './wrap-words.js'

/** The kills with what each cost, then the verdict with its reasons and what mends them. `text`: the kills alone, a line each. */
export function renderRehearsal(report: RehearsalReport, env: RenderEnv): string {
  const table = renderTable(columns(env), report.kills, env, 'Nothing was killed.')
  if (env.format === 'text') return table
  const {kills, problems, remarks, seed, verdict} = report
  const facts = renderRecord([
    ['Reference', referenceWords(report)],
    ['Result', kills.some(({round}) => round !== null) && report.compared.length > 0 ? resultWords(report) : undefined],
    ['Seed', `${seed} (--seed ${seed} repeats the kinds and moments)`],
    ['Kept', report.instances_kept.length > 0 ? report.instances_kept : undefined],
    ['Took', formatDuration(report.duration_s * 1000)],
  ], env)
  const failures = problems.flatMap(({advice, message}) => [...bullet(message, env), ...bullet(advice, env, `  ${paint('Mend:', 'bold', env.color)} `, 8)])
  return [
    ...(kills.length > 0 ? [table, ''] : []),
    facts,
    '',
    ...bullet(verdictWords(report), env, `${paint(verdict, verdict === 'PASS' ? 'green' : 'red', env.color)} `, 5),
    ...failures,
    ...remarks.flatMap(remark => bullet(remark, env, 'Note: ', 6)),
  ].join('\n')
}

function columns(env: RenderEnv): readonly Column<KillReport>[] {
  const ofTable = env.format === 'table'
  return [
    {header: 'KIND', value: row => row.kind},
    {header: 'AT', value: row => (row.at_s === null ? (ofTable ? 'not come to' : null) : ofTable ? [formatDuration(row.at_s * 1000), placeWords(row.at_step, row.at_epoch)].filter(Boolean).join(', ') : String(row.at_s))},
    {header: 'NEWEST', value: row => row.newest_checkpoint?.state ?? null, priority: 2},
    {header: 'WENT ON FROM', value: row => (row.round === null ? null : fromWords(row)), minWidth: 12},
    {header: 'REPEATED', value: row => shownNumber(row.repeated), align: 'right'},
    {header: 'SKIPPED', value: row => shownNumber(row.skipped), align: 'right', style: row => ((row.skipped ?? 0) > 0 ? 'red' : undefined)},
    {header: 'LOST', value: row => lostWords(row, ofTable), align: 'right'},
    {header: 'SAVE', value: row => (row.save_took_s === null ? null : ofTable ? formatDuration(row.save_took_s * 1000) : String(row.save_took_s)), align: 'right', priority: 3},
    ...(ofTable ? [] : [
      {header: 'RUN', value: (row: KillReport) => row.run_id},
      {header: 'HOW', value: (row: KillReport) => row.did},
    ]),
  ]
}

function fromWords({resumed_from: from}: KillReport): string {
  if (from === null) return 'nothing'
  return placeWords(from.step, from.epoch) ?? from.path
}

function lostWords({lost, lost_s, unit}: KillReport, ofTable: boolean): string | null {
  if (!ofTable) return shownNumber(lost)
  const time = lost_s === null ? null : formatDuration(lost_s * 1000)
  return lost === null || unit === null ? time : `${plural(lost, unit)}, ${time ?? '-'}`
}

const placeWords = (step: number | null, epoch: number | null): string | null => (step !== null ? `step ${step}` : epoch !== null ? `epoch ${epoch}` : null)

function referenceWords({reference}: RehearsalReport): string {
  const {checkpoint_count: count, duration_s, last_epoch, last_step} = reference
  const reached = placeWords(last_step, last_epoch)
  return [formatDuration(duration_s * 1000), ...(reached === null ? [] : [`to ${reached}`]), plural(count, 'checkpoint')].join(', ')
}

function resultWords({compared, exact}: RehearsalReport): string {
  if (exact) return 'the same as without interruption, byte for byte'
  const other = new Set(compared.flatMap(({checkpoint, outputs}) => [
    ...(checkpoint && !checkpoint.same ? [checkpoint.path] : []), ...outputs.filter(({same}) => !same).map(({path}) => path),
  ]))
  return `not the same bytes as without interruption: ${[...other].slice(0, 4).join(', ')}`
}

function verdictWords({kills, verdict}: RehearsalReport): string {
  const done = kills.filter(({round}) => round !== null).length
  if (done === 0) return verdict === 'PASS' ? 'nothing was killed' : 'the drill could not begin'
  const of = done === kills.length ? plural(done, 'kill') : `${done} of ${plural(kills.length, 'kill')}`
  return verdict === 'PASS' ? `through ${of}: went on from a good checkpoint each time, left nothing out, and came to the end` : `after ${of}`
}

/** Raw text, escaped here. */
function bullet(text: string, env: RenderEnv, head = '- ', indent = 2): readonly string[] {
  return wrapWords(escapeLine(text), Math.max(20, env.width - indent)).map((line, at) => (at === 0 ? head : ' '.repeat(indent)) + line)
}
