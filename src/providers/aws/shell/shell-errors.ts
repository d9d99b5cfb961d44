import {RunctlError, type ErrorCode} from '../../../model/errors.js'
import {callAws, sendOptions} from '../call-aws.js'
import type {FailedAnswer} from './answer.js'
import type {Invocation} from './invocation.js'
import {DELIVERY_TIMEOUT_S} from './send-command.js'
import type {ShellParts, ShellTarget} from './shell-parts.js'

const waitFor = (id: string): string => `runctl aws wait ${id}`
const UNDELIVERED = {delivered: false}

export function timedOut(id: string, timeoutMs: number): RunctlError {
  return new RunctlError('timed_out', `the command on ${id} was not done after ${timeoutMs / 1000} s and was ended`, {details: {instance_id: id}})
}

/** Why no command runs there, by the state of the instance; null where it is running. */
export function stateError(id: string, target: ShellTarget | null, delivered?: false): RunctlError | null {
  const details = {instance_id: id, ...(delivered === false ? UNDELIVERED : {})}
  if (target === null) return new RunctlError('not_found', `there is no instance ${id} in this account and region`, {details, next: ['runctl resources list']})
  if (target.state === 'running') return null
  if (target.state === 'pending') {
    return new RunctlError('wrong_state', `instance ${id} is still starting`, {details: {...details, state: target.state}, next: [waitFor(id)]})
  }
  const ended = target.state === 'terminated' || target.state === 'shutting-down'
  const next = [ended ? 'runctl aws create' : `runctl aws start ${id} --wait`]
  return new RunctlError('wrong_state', `instance ${id} is ${target.state}, not running`, {details: {...details, state: target.state}, next})
}

/** The same where it is not sure that the command has not arrived. */
export function mayHaveArrived({code, details, message, next}: RunctlError): RunctlError {
  return new RunctlError(code, message, {next, details: {...details, delivered: null}})
}

/** AWS takes no command for this instance (InvalidInstanceId, delivery failed): finds out why. */
export async function explainSilence(parts: ShellParts, id: string, what: string, signal?: AbortSignal): Promise<RunctlError> {
  const target = await parts.describe(id, signal)
  const byState = stateError(id, target, false)
  if (byState !== null || target === null) return byState ?? new RunctlError('not_found', `there is no instance ${id}`)
  const details = {instance_id: id, ...UNDELIVERED}
  if (target.profileArn === null) {
    return new RunctlError('unreachable', `instance ${id} takes no commands: it has no instance profile, so its SSM agent may not register`, {
      next: [`runctl aws setup --attach ${id}`],
      details: {...details, cause: 'no_instance_profile', waiting_helps: false},
    })
  }
  const ping = await pingStatus(parts, id, signal)
  if (ping === 'none') {
    return new RunctlError('unreachable', `the SSM agent on ${id} has not connected yet: it usually does 20 to 90 seconds after a start`, {
      next: [waitFor(id), 'runctl doctor'],
      details: {...details, cause: 'agent_not_connected'},
    })
  }
  if (ping === 'ConnectionLost' || ping === 'Inactive') {
    return new RunctlError('unreachable', `the SSM agent on ${id} has lost its connection: the instance is overloaded, out of memory, or has no way to AWS`, {
      next: [waitFor(id), `runctl aws stop ${id} --force`],
      details: {...details, cause: 'connection_lost', ping_status: ping},
    })
  }
  return new RunctlError('unreachable', `${what}, although the SSM agent on ${id} was seen online a while ago`, {
    next: [waitFor(id), 'runctl doctor'],
    details: {...details, cause: 'no_answer', ping_status: ping},
  })
}

/** `none` where SSM does not list the instance. */
async function pingStatus(parts: ShellParts, id: string, signal?: AbortSignal): Promise<string> {
  const {DescribeInstanceInformationCommand} = await import('@aws-sdk/client-ssm')
  const ssm = await parts.clients.ssm()
  const input = {Filters: [{Key: 'InstanceIds', Values: [id]}]}
  try {
    const {InstanceInformationList: list} = await callAws('ssm:DescribeInstanceInformation', signal, () =>
      ssm.send(new DescribeInstanceInformationCommand(input), sendOptions(signal)),
    )
    return list?.[0]?.PingStatus ?? 'none'
  } catch (error) {
    signal?.throwIfAborted()
    // Only the explanation suffers where this is not permitted.
    return 'unknown'
  }
}

/** A command that ended on AWS's side without an answer of the wrapper. */
export async function invocationError(parts: ShellParts, id: string, timeoutMs: number, found: Invocation, signal?: AbortSignal): Promise<RunctlError> {
  const {details} = found
  if (details === 'deliverytimedout' || details === 'undeliverable') {
    const what = details === 'undeliverable' ? 'the command could not be delivered' : `the command was not taken within ${DELIVERY_TIMEOUT_S} seconds`
    const silence = await explainSilence(parts, id, what, signal)
    return found.started ? mayHaveArrived(silence) : silence
  }
  if (details === 'executiontimedout' || details === 'timedout') return timedOut(id, timeoutMs)
  const failed = (code: ErrorCode, message: string, next: string[], delivered: boolean): RunctlError =>
    new RunctlError(code, message, {next, details: {instance_id: id, status_details: details, ...(delivered ? {} : UNDELIVERED)}})
  if (details === 'terminated') return failed('platform_failed', `AWS gave the command for ${id} up because others of the same call failed`, [], false)
  if (details === 'rateexceeded') return failed('platform_failed', `too many commands wait for ${id}; repeat it when they are done`, [], false)
  if (details === 'accessdenied') return failed('platform_failed', `SSM refused the command for ${id}: access denied`, ['runctl aws setup --dry-run', 'runctl doctor'], false)
  if (details === 'invalidplatform') return failed('platform_failed', `${id} is no Linux machine, and the command is a shell script`, [], false)
  if (details === 'cancelled') return failed('platform_failed', `somebody cancelled the command on ${id}`, [], true)
  const byState = stateError(id, await parts.describe(id, signal))
  if (byState) return byState
  const complaint = (found.stderr || found.stdout).trim().slice(-500)
  const status = found.responseCode === null ? '' : ` with exit status ${found.responseCode}`
  return failed('platform_failed', `the command on ${id} ended${status} and gave no answer${complaint === '' ? '' : `: ${complaint}`}`, ['runctl doctor'], true)
}

/** What the wrapper itself says went wrong. */
export function answerError(id: string, timeoutMs: number, maxOutputBytes: number, {kind}: FailedAnswer, stderr: string): RunctlError {
  const details = {instance_id: id, cause: kind}
  switch (kind) {
    case 'timeout':
      return timedOut(id, timeoutMs)
    case 'big':
      return new RunctlError('platform_failed', `the command on ${id} printed more than ${maxOutputBytes} bytes and was ended`, {details})
    case 'interrupted':
      return new RunctlError('unreachable', `the command on ${id} was interrupted, by a restart of the instance or by a signal; how far it got is not known`, {details})
    case 'noinput':
      return new RunctlError('platform_failed', `instance ${id} could not fetch the command's input from the bucket${stderr.trim() === '' ? '' : `: ${stderr.trim().slice(-300)}`}`, {
        next: ['runctl doctor'],
        details: {...details, ...UNDELIVERED},
      })
    case 'nospace':
      return new RunctlError('platform_failed', `instance ${id} has no room left for a command, neither on its disk nor in memory`, {details})
  }
}
