import type {AgentClient} from '../agent/client.js'
import type {RunStatus} from '../agent/protocol.js'
import {isRunctlError, RunctlError, type ErrorCode} from '../model/errors.js'
import {pathForShell} from '../model/quote-for-shell.js'
import {failureWords} from '../model/run.js'
import {zlibInflate} from './inflate.js'

export interface OutcomeContext {
  readonly platform: string
  readonly instanceId: string
}

/** The error for a run that has ended other than well; null where it completed or was stopped on request. */
export async function outcomeError(run: RunStatus, context: OutcomeContext, agent: AgentClient, signal: AbortSignal): Promise<RunctlError | null> {
  if (run.state !== 'stopped' || run.reason === 'completed' || run.reason === 'user') return null
  const {instanceId, platform} = context
  const resume = run.last_checkpoint ? [`runctl ${platform} train ${instanceId} ${pathForShell(run.script)} --resume latest`] : []
  const details = {
    instance_id: instanceId,
    run_id: run.run_id,
    reason: run.reason,
    exit_code: run.exit_code,
    signal: run.signal,
    failed_code: run.failed_code ?? null,
    log_path: run.log_path,
    last_log_lines: await lastLogLines(run.run_id, agent, signal),
  }
  const next = [`runctl run logs ${run.run_id}`, ...resume, ...whichCheckpoints(run, instanceId)]
  if (run.reason !== 'failed') {
    return new RunctlError('training_failed', `${run.run_id} did not finish: ${run.reason ?? run.state}${detail(run)}`, {details, next})
  }
  const {code, what} = run.started_at === null ? unprepared(run) : {code: 'training_failed' as const, what: `${run.script} ${failureWords(run)}`}
  return new RunctlError(code, `${what}${detail(run)}; the whole log is ${run.log_path} on ${instanceId}`, {details, next})
}

/** A script that was told to resume and failed before it saved anything: most often there is no such checkpoint. */
function whichCheckpoints({args, checkpoint_count}: RunStatus, instanceId: string): readonly string[] {
  const resumes = args.some(argument => /^--resume(-from)?(=|$)/.test(argument))
  return resumes && checkpoint_count === 0 ? [`runctl checkpoint list --instance-id ${instanceId}`] : []
}

/** Whether an error says that a run has ended, rather than that something failed which left it as it was. */
export const saysEnded = (error: unknown): boolean => isRunctlError(error) && 'log_path' in error.details && 'reason' in error.details

/** Why the script was not started: its dependencies, or what it was to be given. */
function unprepared(run: RunStatus): {readonly code: ErrorCode; readonly what: string} {
  const cause = run.failed_code ?? 'dependencies_failed'
  if (cause === 'dependencies_failed') return {code: cause, what: `the dependencies of ${run.script} could not be installed`}
  return {code: cause === 'verification_failed' ? cause : 'platform_failed', what: `${run.script} could not be started`}
}

const detail = (run: RunStatus): string => (run.detail ? `: ${run.detail}` : '')

const LAST_LINES = 12

/** The end of the log as text, at most 8 KB: for an error. Data: escape before display. */
async function lastLogLines(runId: string, agent: AgentClient, signal: AbortSignal): Promise<readonly string[]> {
  const answer = await agent.call('logs', {run_id: runId, tail_lines: LAST_LINES, max_bytes: 8192}, {signal}).catch((error: unknown) => {
    // How the run ended is known; that its last lines cannot be had must not take the place of it.
    if (isRunctlError(error)) return null
    throw error
  })
  if (answer === null) return []
  return Buffer.from(zlibInflate(answer.data)).toString('utf8').split('\n').slice(-LAST_LINES - 1).filter((line, index, all) => line !== '' || index < all.length - 1)
}
