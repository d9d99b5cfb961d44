import type {DescribeSpotPriceHistoryCommandInput} from '@aws-sdk/client-ec2'

import {callAws} from '../call-aws.js'
import type {AwsClients} from '../clients.js'
import {isPrice} from './price-cache.js'

/** A price from a moment on. */
export interface PriceChange {
  /** Milliseconds since 1970. */
  readonly at: number
  /** US dollars an hour. */
  readonly usd: number
}

/** The price changes of one type in one zone over a time, oldest first: the first is the one that was in force at its begin, where that is known. */
export interface SpotHistory {
  /** Milliseconds since 1970; both ends are within. */
  readonly from: number
  readonly to: number
  readonly changes: readonly PriceChange[]
}

export interface SpotHistoryWish {
  readonly instanceType: string
  /** `eu-central-1a` */
  readonly zone: string
  readonly from: number
  readonly to: number
}

/** From EC2, which remembers about ninety days. Its answer begins with the price that was in force at the start. */
export async function askSpotHistory(clients: AwsClients, {from, instanceType, to, zone}: SpotHistoryWish, signal: AbortSignal): Promise<SpotHistory> {
  const [ec2, {DescribeSpotPriceHistoryCommand}] = await Promise.all([clients.ec2(), import('@aws-sdk/client-ec2')])
  const changes: PriceChange[] = []
  let NextToken: string | undefined
  do {
    const input: DescribeSpotPriceHistoryCommandInput = {
      InstanceTypes: [instanceType] as NonNullable<DescribeSpotPriceHistoryCommandInput['InstanceTypes']>,
      AvailabilityZone: zone,
      ProductDescriptions: ['Linux/UNIX'],
      StartTime: new Date(from),
      EndTime: new Date(to),
      MaxResults: 1000,
      ...(NextToken === undefined ? {} : {NextToken}),
    }
    const page = await callAws('ec2:DescribeSpotPriceHistory', signal, () => ec2.send(new DescribeSpotPriceHistoryCommand(input), {abortSignal: signal}))
    for (const {SpotPrice, Timestamp} of page.SpotPriceHistory ?? []) {
      if (Timestamp && isPrice(Number(SpotPrice))) changes.push({at: Timestamp.getTime(), usd: Number(SpotPrice)})
    }
    NextToken = page.NextToken || undefined
  } while (NextToken !== undefined)
  return {from, to, changes: inOrder(changes)}
}

/** Both as one where they touch; else the second alone. */
export function joined(known: SpotHistory | null, asked: SpotHistory): SpotHistory {
  if (known === null || asked.from > known.to || asked.to < known.from) return asked
  return {from: Math.min(known.from, asked.from), to: Math.max(known.to, asked.to), changes: inOrder([...known.changes, ...asked.changes])}
}

/** What is still to be asked for; null: nothing. */
export function missingOf(known: SpotHistory | null, {from, to}: Pick<SpotHistoryWish, 'from' | 'to'>): {readonly from: number; readonly to: number} | null {
  if (known === null || from < known.from || from > known.to) return {from, to}
  return to <= known.to ? null : {from: known.to, to}
}

/** The price in force at `from`, as of then, and the changes up to `to`. Begins later where nobody knows the price at `from`. */
export function within({changes}: SpotHistory, {from, to}: Pick<SpotHistoryWish, 'from' | 'to'>): readonly PriceChange[] {
  const inForce = changes.findLastIndex(({at}) => at <= from)
  return changes
    .slice(Math.max(0, inForce))
    .filter(({at}) => at <= to)
    .map(({at, usd}) => ({at: Math.max(at, from), usd}))
}

/** Only what was over at a moment. */
export const until = ({changes, from, to}: SpotHistory, end: number): SpotHistory => ({from, to: Math.min(to, end), changes: changes.filter(({at}) => at <= end)})

/** Each moment once. */
function inOrder(changes: readonly PriceChange[]): readonly PriceChange[] {
  const byTime = new Map(changes.map(change => [change.at, change]))
  return [...byTime.values()].sort((a, b) => a.at - b.at)
}
