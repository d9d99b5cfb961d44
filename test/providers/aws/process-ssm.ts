import {CancelCommandCommand, GetCommandInvocationCommand, ListCommandInvocationsCommand, SendCommandCommand, SSMClient} from '@aws-sdk/client-ssm'
import {mockClient} from 'aws-sdk-client-mock'

import {removeTraces, runWrapper, type WrapperRun} from './run-wrapper.js'

interface Sent {
  readonly run: WrapperRun
  ended: Awaited<WrapperRun['ended']> | null
  cancelled: boolean
}

/**
 * SSM whose commands run as processes of this machine, one set of streams an instance. `wire` may drop requests or answers by throwing.
 */
export function processSsm(wire: {before?: (operation: string) => void; after?: (operation: string) => void} = {}) {
  const mock = mockClient(SSMClient)
  const sent = new Map<string, Sent>()
  const calls: string[] = []
  const requestIds: string[] = []
  let count = 0
  const through = <T>(operation: string, act: () => T): T => {
    calls.push(operation)
    wire.before?.(operation)
    const result = act()
    wire.after?.(operation)
    return result
  }
  const statusOf = ({ended, cancelled}: Sent) => {
    if (ended === null) return {Status: 'InProgress' as const, StatusDetails: 'InProgress', ExecutionStartDateTime: 'now'}
    if (cancelled) return {Status: 'Cancelled' as const, StatusDetails: 'Cancelled'}
    if (ended.code === null || ended.code === 137) return {Status: 'TimedOut' as const, StatusDetails: 'ExecutionTimedOut'}
    return {Status: ended.code === 0 ? ('Success' as const) : ('Failed' as const), StatusDetails: ended.code === 0 ? 'Success' : 'Failed', ResponseCode: ended.code}
  }
  mock.on(SendCommandCommand).callsFake(input =>
    through('SendCommand', () => {
      const id = `c-${++count}`
      requestIds.push(String(input.Comment).replace('runctl ', ''))
      for (const instance of input.InstanceIds) {
        const run = runWrapper((input.Parameters.commands as string[]).join('\n'), {env: {AWS_SSM_INSTANCE_ID: instance}})
        const entry: Sent = {run, ended: null, cancelled: false}
        void run.ended.then(ended => (entry.ended = ended))
        sent.set(`${id} ${instance}`, entry)
      }
      return {Command: {CommandId: id}}
    }),
  )
  mock.on(GetCommandInvocationCommand).callsFake(input =>
    through('GetCommandInvocation', () => {
      const entry = sent.get(`${input.CommandId} ${input.InstanceId}`)
      if (!entry) throw Object.assign(new Error('none'), {name: 'InvocationDoesNotExist', $metadata: {httpStatusCode: 400}})
      return {...statusOf(entry), StandardOutputContent: entry.ended?.stdout ?? '', StandardErrorContent: entry.ended?.stderr ?? ''}
    }),
  )
  mock.on(ListCommandInvocationsCommand).callsFake(input =>
    through('ListCommandInvocations', () => {
      const all = [...sent].filter(([key]) => key.startsWith(`${input.CommandId} `))
      const from = Number(input.NextToken ?? 0)
      // Pages of two, so that paging is seen to work.
      const page = all.slice(from, from + 2).map(([key, entry]) => ({
        InstanceId: key.split(' ')[1],
        ...statusOf(entry),
        CommandPlugins: [{Output: (entry.ended?.stdout ?? '').slice(0, 2500), ...(entry.ended ? {ResponseCode: 0} : {})}],
      }))
      return {CommandInvocations: page, ...(from + 2 < all.length ? {NextToken: String(from + 2)} : {})}
    }),
  )
  mock.on(CancelCommandCommand).callsFake(input =>
    through('CancelCommand', () => {
      for (const instance of input.InstanceIds) {
        const entry = sent.get(`${input.CommandId} ${instance}`)
        if (!entry || entry.ended) continue
        entry.cancelled = true
        if (entry.run.child.pid !== undefined) process.kill(-entry.run.child.pid, 'SIGKILL')
      }
      return {}
    }),
  )
  const restore = async (): Promise<void> => {
    mock.restore()
    await removeTraces(requestIds)
  }
  const clients = {ssm: async () => new SSMClient({region: 'us-east-1'}), ssmOnce: async () => new SSMClient({region: 'us-east-1'})}
  return {mock, calls, clients, count: (operation: string) => calls.filter(call => call === operation).length, restore}
}
