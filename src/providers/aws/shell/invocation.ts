import {callAws, sendOptions} from '../call-aws.js'
import {hasName} from './aws-outcome.js'
import type {ShellParts} from './shell-parts.js'

/** How a command fares on one instance. */
export interface Invocation {
  /** `InProgress`, `Success`, `TimedOut` … */
  readonly status: string
  /** StatusDetails in lower case without blanks, as AWS writes it both ways: `deliverytimedout`. */
  readonly details: string
  /** The agent has begun with it. */
  readonly started: boolean
  readonly responseCode: number | null
  readonly stdout: string
  readonly stderr: string
}

const UNDER_WAY = new Set(['Pending', 'InProgress', 'Delayed', 'Cancelling'])
export const hasEnded = (invocation: Invocation): boolean => !UNDER_WAY.has(invocation.status)

/** null where AWS does not know the command yet, which it may not for some seconds. Rejects with the SDK's own errors. */
export async function readInvocation(parts: ShellParts, commandId: string, instanceId: string, signal?: AbortSignal): Promise<Invocation | null> {
  const {GetCommandInvocationCommand} = await import('@aws-sdk/client-ssm')
  const ssm = await parts.clients.ssm()
  try {
    const found = await ssm.send(new GetCommandInvocationCommand({CommandId: commandId, InstanceId: instanceId}), sendOptions(signal))
    return {
      ...statusOf(found),
      started: Boolean(found.ExecutionStartDateTime),
      responseCode: found.ResponseCode ?? null,
      stdout: found.StandardOutputContent ?? '',
      stderr: found.StandardErrorContent ?? '',
    }
  } catch (error) {
    if (hasName(error, 'InvocationDoesNotExist')) return null
    throw error
  }
}

/** All instances of a command, with the first 2,500 characters of what each printed. */
export async function listInvocations(parts: ShellParts, commandId: string, signal?: AbortSignal): Promise<Map<string, Invocation>> {
  const {ListCommandInvocationsCommand} = await import('@aws-sdk/client-ssm')
  const ssm = await parts.clients.ssm()
  const all = new Map<string, Invocation>()
  let token: string | undefined
  do {
    const input = {CommandId: commandId, Details: true, MaxResults: 50, ...(token === undefined ? {} : {NextToken: token})}
    const page = await ssm.send(new ListCommandInvocationsCommand(input), sendOptions(signal))
    for (const found of page.CommandInvocations ?? []) {
      if (found.InstanceId === undefined) continue
      const plugin = found.CommandPlugins?.[0]
      all.set(found.InstanceId, {
        ...statusOf(found),
        started: plugin?.ResponseStartDateTime !== undefined,
        responseCode: plugin?.ResponseCode ?? null,
        stdout: plugin?.Output ?? '',
        stderr: '',
      })
    }
    token = page.NextToken
  } while (token)
  return all
}

/** Takes a command back, for these instances; best effort, since it may just have ended. */
export async function cancelCommand(parts: ShellParts, commandId: string, instanceIds: readonly string[]): Promise<void> {
  const {CancelCommandCommand} = await import('@aws-sdk/client-ssm')
  const ssm = await parts.clients.ssm()
  await callAws('ssm:CancelCommand', undefined, () => ssm.send(new CancelCommandCommand({CommandId: commandId, InstanceIds: [...instanceIds]}))).catch(() => undefined)
}

function statusOf(found: {readonly Status?: string | undefined; readonly StatusDetails?: string | undefined}): {status: string; details: string} {
  const status = found.Status ?? 'Pending'
  return {status, details: (found.StatusDetails ?? status).replaceAll(/[\s_]/g, '').toLowerCase()}
}
