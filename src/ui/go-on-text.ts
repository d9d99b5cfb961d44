import type {RunStatus} from '../agent/protocol.js'
import {wordForShell} from '../model/quote-for-shell.js'
import {escapeLine} from './escape-control.js'
import type {RenderEnv} from './render-env.js'

/** The command that continues a run which ended before its time and left something to go on from; empty for others, and for programs. */
export function goOnLine({last_checkpoint, reason, run_id, state}: Pick<RunStatus, 'last_checkpoint' | 'reason' | 'run_id' | 'state'>, instanceId: string, env: RenderEnv): string {
  const endedEarly = state === 'stopped' && reason !== 'completed'
  if (env.format === 'text' || !endedEarly || last_checkpoint === null) return ''
  return escapeLine(`Go on: runctl checkpoint resume --instance-id ${wordForShell(instanceId)} --run ${wordForShell(run_id)} --wait`)
}
