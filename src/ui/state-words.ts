import type {RunStatus} from '../agent/protocol.js'
import type {CheckpointState} from '../model/checkpoint.js'
import type {InstanceState} from '../model/instance.js'
import {failureWords} from '../model/run.js'
import type {Style} from './paint.js'

type RunEnd = Pick<RunStatus, 'exit_code' | 'reason' | 'signal' | 'state'>

/** State and reason of a run in words: `running`, `completed`, `failed (exit 3)`, `failed (SIGKILL)`, `stopped by you`. */
export function runStateWords(run: RunEnd): string {
  if (run.state === 'stopping') return run.reason === null ? 'stopping' : `stopping (${reasonWord(run.reason)})`
  if (run.state !== 'stopped') return run.state
  switch (run.reason) {
    case 'completed':
    case 'interrupted':
      return run.reason
    case 'failed':
      return failureWords(run)
    case 'user':
      return 'stopped by you'
    case 'budget':
      return 'stopped at its limit'
    case 'idle':
      return 'stopped, was idle'
    case null:
      return 'stopped'
  }
}

export function runStateStyle(run: RunEnd): Style {
  if (run.state !== 'stopped') return run.state === 'running' ? 'green' : 'yellow'
  if (run.reason === 'completed') return 'green'
  return run.reason === 'failed' ? 'red' : 'yellow'
}

/** `running`, `stopped (by you)`, `stopped (interrupted)`. */
export function instanceStateWords(state: InstanceState, reason: string | null): string {
  return reason === null || state === 'running' || state === 'pending' ? state : `${state} (${reasonWord(reason)})`
}

export function instanceStateStyle(state: InstanceState): Style {
  if (state === 'running') return 'green'
  return state === 'stopped' || state === 'terminated' ? 'dim' : 'yellow'
}

export function checkpointStateStyle(state: CheckpointState): Style | undefined {
  switch (state) {
    case 'complete':
      return 'green'
    case 'corrupt':
      return 'red'
    case 'partial':
      return 'yellow'
    case 'unverified':
      return undefined
  }
}

function reasonWord(reason: string): string {
  if (reason === 'user') return 'by you'
  return reason === 'budget' ? 'at its limit' : reason
}

