import type {DescribeInstancesCommandInput, DescribeInstancesCommandOutput, Instance as AwsInstance} from '@aws-sdk/client-ec2'

import {isRunctlError, RunctlError} from '../../../model/errors.js'
import type {Instance} from '../../../model/instance.js'
import type {InstanceQuery} from '../../provider.js'
import {Batcher, type Outcome} from '../batcher.js'
import {callAws, sendOptions} from '../call-aws.js'
import type {AwsClients} from '../clients.js'
import {asKnownInstance, type KnownInstance} from './as-instance.js'
import type {RecentChanges} from './recent-changes.js'

export const INSTANCE_ID = /^i-([0-9a-f]{8}|[0-9a-f]{17})$/

const FILTER_HELP = ['aws ec2 describe-instances help', 'runctl resources list --filter instance-type=g5.xlarge']

/** The most ids of one DescribeInstances. */
const MOST_IDS = 1000
/** The most values of one filter. */
const MOST_FILTER_VALUES = 200

/** Describes instances: ids that are asked for at once travel in one call, lists are filtered by EC2 and read page by page. */
export class InstanceDescriber {
  private readonly batcher = new Batcher<string, KnownInstance | null>(MOST_IDS, (ids, signal) => this.carry(ids, signal))
  private readonly slowBatcher = new Batcher<string, KnownInstance | null>(MOST_IDS, (ids, signal) => this.carry(ids, signal), {quietMs: 150, mostMs: 500})

  constructor(
    private readonly clients: AwsClients,
    private readonly recent: RecentChanges,
  ) {}

  /** As it is now, or null where there is none. */
  async find(id: string, signal?: AbortSignal): Promise<KnownInstance | null> {
    signal?.throwIfAborted()
    return INSTANCE_ID.test(id) ? this.batcher.add(id, signal) : null
  }

  /** The same in a moment, together with what others ask till then: for the watch over commands, of which each goes at its own pace. */
  async findSoon(id: string, signal?: AbortSignal): Promise<KnownInstance | null> {
    signal?.throwIfAborted()
    return INSTANCE_ID.test(id) ? this.slowBatcher.add(id, signal) : null
  }

  async *query(query: InstanceQuery, signal?: AbortSignal): AsyncIterable<Instance> {
    if (query.ids && query.filters) {
      for (const Values of inBatches([...new Set(query.ids)].filter(id => INSTANCE_ID.test(id)))) {
        yield* this.queryList([{Name: 'instance-id', Values}, ...filtersOf(query)], query, signal)
      }
      return
    }
    if (query.ids) {
      const found = await Promise.all([...new Set(query.ids)].map(id => this.find(id, signal)))
      for (const known of found) if (known && fits(known.instance, query)) yield known.instance
      return
    }
    const told = new Set<string>()
    for await (const {instance} of this.list(filtersOf(query), signal)) {
      if (this.recent.isNew(instance.id)) told.add(instance.id)
      if (fits(instance, query)) yield instance
    }
    // Whether one that EC2 does not tell yet passes EC2's own filters, only EC2 knows.
    if (query.filters) return
    for (const {instance} of this.recent.newOnes()) if (!told.has(instance.id) && fits(instance, query)) yield instance
  }

  private async *queryList(filters: NonNullable<DescribeInstancesCommandInput['Filters']>, query: InstanceQuery, signal: AbortSignal | undefined): AsyncIterable<Instance> {
    for await (const {instance} of this.list(filters, signal)) if (fits(instance, query)) yield instance
  }

  /** Those that have one of the values, at most 200, under a tag. */
  async *withTagValues(key: string, values: readonly string[], signal?: AbortSignal): AsyncIterable<Instance> {
    for await (const {instance} of this.list([{Name: `tag:${key}`, Values: values.map(literally)}], signal)) {
      if (values.includes(instance.tags[key] ?? '')) yield instance
    }
  }

  private async *list(Filters: DescribeInstancesCommandInput['Filters'], signal: AbortSignal | undefined): AsyncIterable<KnownInstance> {
    let page: DescribeInstancesCommandOutput | undefined
    do {
      const input = {MaxResults: MOST_IDS, ...(Filters?.length ? {Filters} : {}), ...(page?.NextToken ? {NextToken: page.NextToken} : {})}
      page = await this.describe(input, signal)
      for (const known of await this.read(page)) yield known
    } while (page.NextToken)
  }

  private async carry(ids: readonly string[], signal: AbortSignal): Promise<readonly Outcome<KnownInstance | null>[]> {
    const found = new Map<string, KnownInstance>()
    const note = (known: KnownInstance): unknown => found.set(known.instance.id, known)
    const unique = [...new Set(ids)]
    try {
      for (const known of await this.read(await this.describe({InstanceIds: unique}, signal))) note(known)
    } catch (error) {
      // One that does not exist makes the whole call fail; a filter passes over it.
      if (!isRunctlError(error) || error.code !== 'not_found') throw error
      for (const Values of inBatches(unique.length === 1 ? [] : unique)) {
        for await (const known of this.list([{Name: 'instance-id', Values}], signal)) note(known)
      }
    }
    return ids.map(id => ({value: found.get(id) ?? (this.recent.isNew(id) ? (this.recent.last(id) ?? null) : null)}))
  }

  private describe(input: DescribeInstancesCommandInput, signal: AbortSignal | undefined): Promise<DescribeInstancesCommandOutput> {
    return callAws('ec2:DescribeInstances', signal, async () => {
      const [ec2, {DescribeInstancesCommand}] = await Promise.all([this.clients.ec2(), import('@aws-sdk/client-ec2')])
      return ec2.send(new DescribeInstancesCommand(input), sendOptions(signal))
    })
  }

  private async read({Reservations}: DescribeInstancesCommandOutput): Promise<readonly KnownInstance[]> {
    const region = await this.clients.region()
    const raw: readonly AwsInstance[] = (Reservations ?? []).flatMap(({Instances}) => Instances ?? [])
    return raw.flatMap(instance => {
      const known = asKnownInstance(instance, region)
      return known ? [this.recent.see(known)] : []
    })
  }
}

/** EC2 reads `*` and `?` in a value as wildcards. */
const literally = (value: string): string => value.replaceAll(/[*?\\]/g, String.raw`\$&`)

const inBatches = (ids: readonly string[]): readonly string[][] =>
  Array.from({length: Math.ceil(ids.length / MOST_FILTER_VALUES)}, (_, index) => ids.slice(index * MOST_FILTER_VALUES, (index + 1) * MOST_FILTER_VALUES))

/** `filters` go as they are: their wildcards are the user's. Rejects with `bad_input` for one without a value. */
function filtersOf({filters, states, tags}: InstanceQuery): NonNullable<DescribeInstancesCommandInput['Filters']> {
  const own = Object.entries(filters ?? {})
  for (const [name, values] of own) {
    if (name === '' || values.length === 0) throw new RunctlError('bad_input', `the filter ${JSON.stringify(name)} lacks a name or a value`, {next: FILTER_HELP})
  }
  return [
    ...own.map(([Name, Values]) => ({Name, Values: [...Values]})),
    ...(states ? [{Name: 'instance-state-name', Values: [...states]}] : []),
    ...Object.entries(tags ?? {}).map(([key, value]) => ({Name: `tag:${key}`, Values: [literally(value)]})),
  ]
}

/** Again here: what EC2 filters by may be older than what is known to have been done. */
function fits(instance: Instance, {states, tags}: InstanceQuery): boolean {
  if (states && !states.includes(instance.state)) return false
  return Object.entries(tags ?? {}).every(([key, value]) => instance.tags[key] === value)
}
