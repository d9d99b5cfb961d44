import type {PullReport, PushReport} from '../core/sync/reports.js'
import {formatBytes} from './bytes.js'
import {plural} from './plural.js'
import {renderRecord} from './record.js'
import type {RenderEnv} from './render-env.js'

export function renderPush(report: PushReport, env: RenderEnv): string {
  const there = report.files_total - report.files_sent
  return renderRecord([
    ['From', report.source],
    ['To', report.destination],
    ['Sent', `${plural(report.files_sent, 'file')} (${formatBytes(report.bytes_sent)})${there > 0 ? `, ${there} were there already` : ''}`],
  ], env)
}

export function renderPull(report: PullReport, env: RenderEnv): string {
  const here = report.files.length - report.files_copied
  return renderRecord([
    ['From', report.source],
    ['To', report.destination],
    ['Copied', `${plural(report.files_copied, 'file')} (${formatBytes(report.bytes_copied)})${here > 0 ? `, ${here} were here already` : ''}`],
    ['Left out', report.skipped.length === 0 ? undefined : report.skipped.map(({path, why}) => `${path}: ${why}`)],
  ], env)
}
