import type {StopAnswer} from '../agent/protocol.js'
import {RunctlError} from '../model/errors.js'
import type {RunRow} from './list-runs.js'
import type {PlatformDeps} from './platform-deps.js'
import {step} from './progress.js'
import {saveRuns} from './save-runs.js'

export type StopRunResult = StopAnswer

export interface StopRunInput {
  readonly run: RunRow
  readonly graceMs: number
  readonly force: boolean
  readonly requestId: string
}

/** Saves and ends one run. Rejects with `save_failed`, the run going on, if nothing good was saved and not `force`. */
export async function stopRun({force, graceMs, requestId, run}: StopRunInput, deps: Pick<PlatformDeps, 'agent' | 'progress' | 'signal'>): Promise<StopRunResult> {
  const answer = await step(deps.progress, 'save', `Ask ${run.run_id} to save and leave`, () =>
    saveRuns({requestId, runId: run.run_id, graceSeconds: graceMs / 1000, force, reason: 'user'}, deps.agent(run.instance_id), deps.signal))
  if (answer.done && (answer.ok || force)) return answer
  const why = answer.done ? answer.reports.map(report => report.why).join('; ') : 'the agent has not finished in time'
  throw new RunctlError('save_failed', `no good checkpoint was saved, so ${run.run_id} was not ended: ${why}`, {
    stillRunning: [`${run.run_id} on ${run.instance_id}`],
    next: [`runctl ${run.platform} monitor ${run.instance_id}`, `runctl run stop ${run.run_id} --force`],
    details: {run_id: run.run_id, instance_id: run.instance_id, reports: answer.reports},
  })
}
