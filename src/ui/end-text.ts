import type {StopReport} from '../agent/protocol.js'
import type {EndResult} from '../core/end-instance.js'
import {checkpointSummary} from './checkpoint-text.js'
import {renderInstance} from './instance-text.js'
import {formatCost} from './money.js'
import {plural} from './plural.js'
import {renderRecord} from './record.js'
import type {RenderEnv} from './render-env.js'

/** What a stop or terminate did: what was saved, how the training ended, what it cost, and the instance now. */
export function renderEnd(result: EndResult, env: RenderEnv): string {
  const {changed, cost_usd, instance, saved} = result
  const parts = [saved ? renderReports(saved.reports, env) : '', renderInstance(instance, env)]
  if (!changed) parts.push(renderRecord([['Note', `it was ${instance.state} already`]], env))
  else if (cost_usd !== null) parts.push(renderRecord([['Cost since start', formatCost(cost_usd)]], env))
  return parts.filter(part => part !== '').join('\n\n')
}

export function renderReports(reports: readonly StopReport[], env: RenderEnv): string {
  if (reports.length === 0) return 'Nothing was running.'
  return reports.map(report => renderRecord([
    ['Run', report.run_id],
    ['Ended', endWords(report), report.ended === 'forced' ? 'yellow' : undefined],
    ['Checkpoint', checkpointWords(report, env)],
    ['Note', report.why ?? undefined],
  ], env)).join('\n\n')
}

function endWords(report: StopReport): string {
  switch (report.ended) {
    case 'before': return 'by itself, before this'
    case 'forced': return `forced: ${plural(report.killed, 'process', 'processes')} had to be killed`
    case 'graceful': return 'gracefully'
    case 'running': return 'not: it goes on'
  }
}

function checkpointWords(report: StopReport, env: RenderEnv): string {
  if (!report.checkpoint) return 'none'
  return `${checkpointSummary(report.checkpoint, env)}${report.saved_on_request ? ', saved on request' : ''}`
}
