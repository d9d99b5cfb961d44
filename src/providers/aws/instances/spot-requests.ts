import {callAws, sendOptions} from '../call-aws.js'
import type {AwsClients} from '../clients.js'

/** EC2 launches a replacement for an instance of a persistent request that is only terminated: such requests end first. */
export async function cancelPersistentRequests(clients: AwsClients, requestIds: readonly string[], signal: AbortSignal): Promise<void> {
  if (requestIds.length === 0) return
  const [ec2, sdk] = await Promise.all([clients.ec2(), import('@aws-sdk/client-ec2')])
  // By filter: an id that is forgotten already must not make it fail.
  const Filters = [{Name: 'spot-instance-request-id', Values: [...new Set(requestIds)].slice(0, 200)}]
  const found = await callAws('ec2:DescribeSpotInstanceRequests', signal, () =>
    ec2.send(new sdk.DescribeSpotInstanceRequestsCommand({Filters}), {abortSignal: signal}))
  const open = (found.SpotInstanceRequests ?? [])
    .filter(({State, Type}) => Type === 'persistent' && State !== 'cancelled' && State !== 'closed')
    .flatMap(({SpotInstanceRequestId}) => SpotInstanceRequestId ?? [])
  if (open.length === 0) return
  await callAws('ec2:CancelSpotInstanceRequests', signal, () =>
    ec2.send(new sdk.CancelSpotInstanceRequestsCommand({SpotInstanceRequestIds: open}), {abortSignal: signal}))
}

/** `one-time`, `persistent`; null where EC2 has forgotten the request. */
export async function spotRequestType(clients: AwsClients, requestId: string, signal: AbortSignal | undefined): Promise<string | null> {
  const [ec2, {DescribeSpotInstanceRequestsCommand}] = await Promise.all([clients.ec2(), import('@aws-sdk/client-ec2')])
  const command = new DescribeSpotInstanceRequestsCommand({Filters: [{Name: 'spot-instance-request-id', Values: [requestId]}]})
  const {SpotInstanceRequests} = await callAws('ec2:DescribeSpotInstanceRequests', signal, () => ec2.send(command, sendOptions(signal)))
  return SpotInstanceRequests?.[0]?.Type ?? null
}
