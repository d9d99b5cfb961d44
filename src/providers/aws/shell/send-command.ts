import {RunctlError, withContext} from '../../../model/errors.js'
import {callAws} from '../call-aws.js'
import {isThrottled, isUncertain, isUnsent} from './aws-outcome.js'
import type {ShellParts} from './shell-parts.js'

export interface CommandToSend {
  /** At most 50. */
  readonly instanceIds: readonly string[]
  readonly requestId: string
  readonly text: string
  readonly timeoutMs: number
}

/** AWS allows no less. */
export const DELIVERY_TIMEOUT_S = 30
/** The wrapper ends its script in time by itself; AWS does it should the wrapper fail to. */
const EXECUTION_SLACK_S = 10
/** AWS allows no more: 48 hours. */
const MAX_EXECUTION_S = 172_800
const RESENDS = 4
const THROTTLED_ATTEMPTS = 9
const FIRST_PAUSE_MS = 400
const LONGEST_PAUSE_MS = 5000

/**
 * Sends a command, and gives back its id. SendCommand has no idempotency token: where it is not known whether it arrived, it is sent again,
 * and the guard on the instance (by request id) keeps the second from running. Rejects with the SDK's own error for InvalidInstanceId;
 * `details.delivered` is false where no attempt can have arrived.
 */
export async function sendCommand(parts: ShellParts, command: CommandToSend, signal?: AbortSignal): Promise<string> {
  const {SendCommandCommand} = await import('@aws-sdk/client-ssm')
  const ssm = await parts.clients.ssmOnce()
  const many = command.instanceIds.length > 1
  const input = {
    DocumentName: 'AWS-RunShellScript',
    Comment: `runctl ${command.requestId}`,
    InstanceIds: [...command.instanceIds],
    Parameters: {commands: [command.text], executionTimeout: [String(Math.min(MAX_EXECUTION_S, Math.ceil(command.timeoutMs / 1000) + EXECUTION_SLACK_S))]},
    TimeoutSeconds: DELIVERY_TIMEOUT_S,
    // Else AWS gives the rest up after the first that fails.
    ...(many ? {MaxConcurrency: '50', MaxErrors: '50'} : {}),
  }
  let perhapsArrived = false
  for (let lost = 0, throttled = 0; ; ) {
    signal?.throwIfAborted()
    try {
      // Without the signal: the id of what is sent must be known, to take it back.
      const {Command} = await ssm.send(new SendCommandCommand(input))
      if (Command?.CommandId === undefined) throw new RunctlError('platform_failed', 'AWS accepted the command but gave it no id')
      return Command.CommandId
    } catch (error) {
      const again = isThrottled(error) ? ++throttled < THROTTLED_ATTEMPTS : isUncertain(error) && ++lost <= RESENDS
      perhapsArrived ||= isUncertain(error) && !isUnsent(error)
      if (!again) throw perhapsArrived ? error : new NotDelivered(error)
      const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (lost + throttled - 1))
      await parts.clock.sleep(pause * (0.75 + Math.random() / 2), signal)
    }
  }
}

/** Wraps what SendCommand failed with, where nothing can have arrived. */
export class NotDelivered extends Error {
  constructor(override readonly cause: unknown) {
    super('the command was not sent', {cause})
  }
}

/** As callers of a shell see it. */
export async function sendFailure(error: unknown, signal?: AbortSignal): Promise<unknown> {
  const cause = error instanceof NotDelivered ? error.cause : error
  const mapped = await callAws('ssm:SendCommand', signal, () => Promise.reject(cause as Error)).catch((failure: unknown) => failure)
  return error instanceof NotDelivered ? withContext(mapped, {details: {delivered: false}}) : mapped
}
