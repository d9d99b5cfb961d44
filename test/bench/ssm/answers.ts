/** What SSM tells of commands and invocations, in its own shapes. */

import {type Command, commandStatus, type Invocation} from './command.js'

const MAX_STDOUT = 24_000
const MAX_STDERR = 8000
const CUT = '--output truncated--'
const MAX_PLUGIN_OUTPUT = 2500
const PLUGIN_CUT = '\n---Output truncated---'
const ERROR_TITLE = '\n----------ERROR-------\n'
export const PLUGIN = 'aws:runShellScript'

export function commandAnswer(command: Command): Record<string, unknown> {
  const {status, details} = commandStatus(command)
  const all = [...command.invocations.values()]
  return {
    CommandId: command.id,
    DocumentName: command.documentName,
    DocumentVersion: '$DEFAULT',
    Comment: command.comment,
    ExpiresAfter: seconds(new Date(command.requestedAt.getTime() + (command.deliveryTimeoutS + command.executionTimeoutS) * 1000)),
    Parameters: command.parameters,
    InstanceIds: command.instanceIds,
    Targets: command.targets.map(({key, values}) => ({Key: key, Values: values})),
    RequestedDateTime: seconds(command.requestedAt),
    Status: status,
    StatusDetails: details,
    OutputS3BucketName: '',
    OutputS3KeyPrefix: '',
    MaxConcurrency: command.maxConcurrency,
    MaxErrors: command.maxErrors,
    TargetCount: all.length,
    CompletedCount: all.filter(({ended}) => ended).length,
    ErrorCount: all.filter((each) => each.status === 'Failed' || each.details === 'ExecutionTimedOut').length,
    DeliveryTimedOutCount: all.filter((each) => each.details === 'DeliveryTimedOut').length,
    TimeoutSeconds: command.deliveryTimeoutS,
  }
}

/** GetCommandInvocation: output only when it has ended. */
export function invocationResult(invocation: Invocation): Record<string, unknown> {
  const {command, startedAt, endedAt} = invocation
  return {
    CommandId: command.id,
    InstanceId: invocation.instanceId,
    Comment: command.comment,
    DocumentName: command.documentName,
    DocumentVersion: '$DEFAULT',
    PluginName: PLUGIN,
    ResponseCode: invocation.responseCode,
    ExecutionStartDateTime: startedAt?.toISOString() ?? '',
    ExecutionElapsedTime: startedAt === null || endedAt === null ? '' : `PT${(endedAt.getTime() - startedAt.getTime()) / 1000}S`,
    ExecutionEndDateTime: startedAt === null ? '' : (endedAt?.toISOString() ?? ''),
    Status: invocation.status,
    StatusDetails: invocation.details,
    StandardOutputContent: invocation.ended ? cut(invocation.stdout, MAX_STDOUT, CUT) : '',
    StandardOutputUrl: '',
    StandardErrorContent: invocation.ended ? cut(invocation.stderr, MAX_STDERR, CUT) : '',
    StandardErrorUrl: '',
    CloudWatchOutputConfig: {CloudWatchLogGroupName: '', CloudWatchOutputEnabled: false},
  }
}

/** ListCommandInvocations: plugins and a little of their output only where details are asked for. */
export function invocationAnswer(invocation: Invocation, instanceName: string, withDetails: boolean): Record<string, unknown> {
  const {command, startedAt, endedAt} = invocation
  const plugin = {
    Name: PLUGIN,
    Status: invocation.status,
    StatusDetails: invocation.details,
    ResponseCode: invocation.responseCode,
    ...(startedAt === null ? {} : {ResponseStartDateTime: seconds(startedAt)}),
    ...(startedAt === null || endedAt === null ? {} : {ResponseFinishDateTime: seconds(endedAt)}),
    Output: invocation.ended ? pluginOutput(invocation) : '',
    StandardOutputUrl: '',
    StandardErrorUrl: '',
    OutputS3BucketName: '',
    OutputS3KeyPrefix: '',
  }
  return {
    CommandId: command.id,
    InstanceId: invocation.instanceId,
    InstanceName: instanceName,
    Comment: command.comment,
    DocumentName: command.documentName,
    DocumentVersion: '$DEFAULT',
    RequestedDateTime: seconds(command.requestedAt),
    Status: invocation.status,
    StatusDetails: invocation.details,
    StandardOutputUrl: '',
    StandardErrorUrl: '',
    CommandPlugins: withDetails ? [plugin] : [],
    ServiceRole: '',
  }
}

function pluginOutput({stdout, stderr}: Invocation): string {
  const whole = stderr.length === 0 ? stdout : Buffer.concat([stdout, Buffer.from(ERROR_TITLE), stderr])
  return cut(whole, MAX_PLUGIN_OUTPUT, PLUGIN_CUT)
}

/** The agent counts bytes, and its mark takes the place of the last ones: what is cut is `most` long with it. */
function cut(output: Buffer, most: number, mark: string): string {
  return output.length < most ? output.toString() : output.subarray(0, most - mark.length).toString() + mark
}

export function seconds(time: Date): number {
  return time.getTime() / 1000
}
