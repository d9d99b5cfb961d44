import {finishRun} from '../core/finish-run.js'
import type {PlatformDeps} from '../core/platform-deps.js'
import {outcomeError} from '../core/run-outcome.js'
import {runLedger, type RunLedger} from '../core/run-ledger.js'
import type {SaveSettings} from '../core/save-settings.js'
import {train, type TrainInput, type TrainResult} from '../core/train.js'
import {parseDuration} from '../model/duration.js'
import {logPrinter} from './log-printer.js'

export interface TrainJson extends TrainResult {
  /** Whether the run was followed to its end. */
  readonly waited: boolean
  /** What the run has cost; null where it was not followed to its end. */
  readonly ledger: RunLedger | null
}

const READY_TIMEOUT_MS = parseDuration('10m')

export interface TrainHow extends Omit<TrainInput, 'followed' | 'instanceId' | 'readyTimeoutMs'> {
  readonly wait: boolean
  readonly timeoutMs: number | null
  readonly save: SaveSettings
}

export interface TrainScene {
  readonly deps: PlatformDeps
  /** Nothing is printed: the result is a document. */
  readonly silent: boolean
  /** Before each line of the log, where several are followed. */
  readonly label?: string
  /** Around the start, where several instances are worked on. */
  readonly line?: <R>(title: string, work: () => Promise<R>) => Promise<R>
}

/** Starts a training on an instance and, with `wait`, follows it to its end. */
export async function trainOne(instanceId: string, {save, timeoutMs, wait, ...input}: TrainHow, {deps, label, line = (_, work) => work(), silent}: TrainScene): Promise<TrainJson> {
  const {instance, result: started} = await line(`Train on ${instanceId}`, () =>
    train({...input, instanceId, readyTimeoutMs: wait ? READY_TIMEOUT_MS : null, followed: wait}, deps))
  if (!wait) {
    // A run that has failed by now, most often while installing, must not look like one that goes on.
    const error = await outcomeError(started.run, {platform: started.platform, instanceId}, deps.agent(instanceId), deps.signal)
    if (error) throw error
    return {...started, waited: false, ledger: null}
  }
  const printer = logPrinter({silent, signal: deps.signal, ...(label === undefined ? {} : {label})})
  await deps.progress.pause()
  const run = await finishRun({instance, runId: started.run.run_id, recorded: true, timeoutMs, log: printer.write, save}, deps).finally(printer.end)
  return {...started, run, waited: true, ledger: await runLedger(run, instance, deps)}
}
