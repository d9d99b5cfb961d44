import {callAws, sendOptions} from './call-aws.js'
import type {AwsClients} from './clients.js'

/** The regions that this account may use, by name. */
export async function enabledRegions(clients: AwsClients, signal: AbortSignal | undefined): Promise<readonly string[]> {
  const [ec2, {DescribeRegionsCommand}] = await Promise.all([clients.ec2(), import('@aws-sdk/client-ec2')])
  const command = new DescribeRegionsCommand({AllRegions: false})
  const {Regions} = await callAws('ec2:DescribeRegions', signal, () => ec2.send(command, sendOptions(signal)))
  return (Regions ?? []).flatMap(({RegionName}) => RegionName ?? []).sort()
}
