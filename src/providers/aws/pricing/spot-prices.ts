import type {DescribeSpotPriceHistoryCommandInput} from '@aws-sdk/client-ec2'

import {callAws} from '../call-aws.js'
import type {AwsClients} from '../clients.js'
import {isPrice} from './price-cache.js'

export interface SpotPrice {
  readonly instanceType: string
  readonly zone: string
  readonly usd: number
}

/** The present spot prices of several types in every zone of the region. */
export async function spotPrices(clients: AwsClients, types: readonly string[], now: Date, signal: AbortSignal): Promise<readonly SpotPrice[]> {
  const [ec2, {DescribeSpotPriceHistoryCommand}] = await Promise.all([clients.ec2(), import('@aws-sdk/client-ec2')])
  const newest = new Map<string, SpotPrice & {readonly at: number}>()
  let NextToken: string | undefined
  do {
    const input: DescribeSpotPriceHistoryCommandInput = {
      InstanceTypes: [...types] as NonNullable<DescribeSpotPriceHistoryCommandInput['InstanceTypes']>,
      ProductDescriptions: ['Linux/UNIX'],
      // A range of no length: what is valid at that moment.
      StartTime: now,
      EndTime: now,
      ...(NextToken ? {NextToken} : {}),
    }
    const page = await callAws('ec2:DescribeSpotPriceHistory', signal, () => ec2.send(new DescribeSpotPriceHistoryCommand(input), {abortSignal: signal}))
    for (const {AvailabilityZone, InstanceType, SpotPrice, Timestamp} of page.SpotPriceHistory ?? []) {
      const usd = Number(SpotPrice)
      if (!AvailabilityZone || !InstanceType || !isPrice(usd)) continue
      const [key, at] = [`${AvailabilityZone}/${InstanceType}`, Timestamp?.getTime() ?? 0]
      if (at >= (newest.get(key)?.at ?? 0)) newest.set(key, {instanceType: InstanceType, zone: AvailabilityZone, usd, at})
    }
    NextToken = page.NextToken || undefined
  } while (NextToken)
  return [...newest.values()]
}
