import type {AgentClient} from '../agent/client.js'
import type {RunStatus} from '../agent/protocol.js'
import {isRunctlError, RunctlError, withContext, type ErrorCode} from '../model/errors.js'
import {pathForShell, wordForShell} from '../model/quote-for-shell.js'
import {failureWords} from '../model/run.js'
import {zlibInflate} from './inflate.js'
import {orUnknown} from './or-unknown.js'

export interface OutcomeContext {
  readonly platform: string
  readonly instanceId: string
}

/** The error for a run that has ended other than well; null where it completed or was stopped on request. */
export async function outcomeError(run: RunStatus, context: OutcomeContext, agent: AgentClient, signal: AbortSignal): Promise<RunctlError | null> {
  if (run.state !== 'stopped' || run.reason === 'completed' || run.reason === 'user') return null
  const {instanceId} = context
  const resume = resumeCommands(run, context)
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
  if (run.reason === 'budget' || run.reason === 'idle') {
    const why = run.reason === 'budget' ? 'stopped at a limit of its machine' : 'stopped because its machine was idle: no log line, no checkpoint, no work on a GPU'
    return new RunctlError('training_failed', `${run.run_id} ${why}${detail(run)}`, {details, next: [...resume, `runctl run logs ${run.run_id}`]})
  }
  if (run.reason !== 'failed') {
    return new RunctlError('training_failed', `${run.run_id} did not finish: ${run.reason ?? run.state}${detail(run)}`, {details, next})
  }
  const {code, what} = run.started_at === null ? unprepared(run) : {code: 'training_failed' as const, what: `${run.script} ${failureWords(run)}`}
  return new RunctlError(code, `${what}${detail(run)}; the whole log is ${run.log_path} on ${instanceId}`, {details, next})
}

/** After a failure the code is sent again, most often with what mends it; what was taken away goes on as it was begun. */
function resumeCommands(run: RunStatus, {instanceId, platform}: OutcomeContext): readonly string[] {
  // The machine powers itself off right after.
  if (run.reason === 'budget' || run.reason === 'idle') return [startAgain(platform, instanceId), ...(run.last_checkpoint ? [continueCommand(run, instanceId)] : []), ...elsewhere(run, platform)]
  if (!run.last_checkpoint) return []
  if (run.reason !== 'interrupted') return [`runctl ${platform} train ${instanceId} ${pathForShell(run.script)} --resume latest`]
  return [continueCommand(run, instanceId), ...elsewhere(run, platform)]
}

/** With a limit of its own: those that were reached would stop it again. */
const startAgain = (platform: string, instanceId: string): string => `runctl ${platform} start ${instanceId} --wait --max-hours 8`

const continueCommand = ({run_id}: RunStatus, instanceId: string): string => `runctl checkpoint resume --instance-id ${instanceId} --run ${run_id} --wait`

/** Goes on on a new instance from what the store has; nothing where it has nothing. */
function elsewhere({args, last_stored_checkpoint, output_uri, project, run_id, script}: RunStatus, platform: string): readonly string[] {
  const end = `/${project}/${run_id}/`
  if (last_stored_checkpoint === null || !output_uri?.endsWith(end)) return []
  const rest = args.length === 0 ? '' : ` -- ${args.map(wordForShell).join(' ')}`
  return [`runctl workflow run ${platform} ${pathForShell(script)} --resume ${run_id} --project-name ${project} --output-s3 ${pathForShell(output_uri.slice(0, -end.length))}${rest}`]
}

/** What to do where the instance went away while its run was followed: it stopped (then its disk is there) or is gone. */
export function lostInstance(error: unknown, last: RunStatus | null, {instanceId, platform}: OutcomeContext): unknown {
  if (last === null || !isRunctlError(error) || !['not_found', 'wrong_state', 'unreachable'].includes(error.code)) return error
  const {state, state_reason: reason} = error.details
  const byLimit = reason === 'budget' || reason === 'idle'
  const start = byLimit ? startAgain(platform, instanceId) : `runctl ${platform} start ${instanceId} --wait`
  const onDisk = state === 'stopped' || state === 'stopping' ? [start, ...(last.last_checkpoint ? [continueCommand(last, instanceId)] : [])] : []
  const next = [...onDisk, ...elsewhere(last, platform)]
  const found = byLimit ? new RunctlError(error.code, `${last.run_id} was stopped by a limit of its machine: ${error.message}`, {stillRunning: error.stillRunning, details: error.details, cause: error.cause}) : error
  return withContext(found, {next: next.filter(command => !found.next.includes(command)), details: {run_id: last.run_id}})
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
  // How the run ended is known; that its last lines cannot be had must not take the place of it.
  const answer = await orUnknown(() => agent.call('logs', {run_id: runId, tail_lines: LAST_LINES, max_bytes: 8192}, {signal}))
  if (answer === null) return []
  return Buffer.from(zlibInflate(answer.data)).toString('utf8').split('\n').slice(-LAST_LINES - 1).filter((line, index, all) => line !== '' || index < all.length - 1)
}
