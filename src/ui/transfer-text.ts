import type {PullReport, PushReport} from '../core/sync/reports.js'
import {formatBytes} from './bytes.js'
import {plural} from './plural.js'
import {renderRecord} from './record.js'
import type {RenderEnv} from './render-env.js'

export function renderPush(report: PushReport, env: RenderEnv): string {
  return renderRecord([
    ['From', report.source],
    ['To', report.destination],
    ['Sent', `${report.files_sent} of ${plural(report.files_total, 'file')} (${formatBytes(report.bytes_sent)}); ${report.files_written} were new or changed`],
  ], env)
}

export function renderPull(report: PullReport, env: RenderEnv): string {
  return renderRecord([
    ['From', report.source],
    ['To', report.destination],
    ['Copied', `${report.files_copied} of ${plural(report.files.length, 'file')} (${formatBytes(report.bytes_copied)}); the others were here`],
    ['Left out', report.skipped.length === 0 ? undefined : report.skipped.map(({path, why}) => `${path}: ${why}`)],
  ], env)
}
