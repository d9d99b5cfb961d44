import type {InstanceStateChange} from '@aws-sdk/client-ec2'

import {INSTANCE_STATES, type Instance} from '../../../model/instance.js'
import {isRunctlError, RunctlError} from '../../../model/errors.js'
import {Batcher, forEachHalving, type Outcome} from '../batcher.js'
import {callAws} from '../call-aws.js'
import type {AwsClients} from '../clients.js'
import type {KnownInstance} from './as-instance.js'
import type {AwsClock} from '../clock.js'
import type {InstanceDescriber} from './describe-instances.js'
import type {RecentChanges} from './recent-changes.js'
import {cancelPersistentRequests, spotRequestType} from './spot-requests.js'
import {asTagList, checkTags} from './tags.js'
import {awsErrorName, untilVisible} from './until-visible.js'

export type Verb = 'start' | 'stop' | 'terminate'

/** As many as one filter takes values; EC2 itself takes 1000. */
const MOST_IDS = 200
/** What comes before a change (tags that differ from one to the next) ends for each instance at a moment of its own. */
const GATHERING = {quietMs: 60, mostMs: 600} as const
/** How long a new instance may be unknown to the calls that change it. */
const NEW_LIMIT_MS = 60_000
/** Refusals that are about one of the ids and not about the call. */
const ONES_FAULT = /^(Invalid(InstanceI|I)D|IncorrectInstanceState|IncorrectState|UnsupportedOperation|OperationNotPermitted|\w*Capacity\w*$|(Instance|Vcpu)LimitExceeded|UnauthorizedOperation)/

interface Deps {
  readonly clients: AwsClients
  readonly describer: InstanceDescriber
  readonly recent: RecentChanges
  readonly clock: AwsClock
}

/** Starts, stops, terminates and tags: what is asked for at once travels in one call. */
export class InstanceChanger {
  private readonly batchers: Readonly<Record<Verb, Batcher<KnownInstance, string>>>
  private readonly taggers = new Map<string, Batcher<string, null>>()

  constructor(private readonly deps: Deps) {
    const batcher = (verb: Verb) => new Batcher<KnownInstance, string>(MOST_IDS, (known, signal) => this.carry(verb, known, signal), GATHERING)
    this.batchers = {start: batcher('start'), stop: batcher('stop'), terminate: batcher('terminate')}
  }

  /** Answers as soon as EC2 has accepted it. Rejects with `not_found`, `wrong_state`, `platform_failed`. */
  async change(verb: Verb, id: string, signal?: AbortSignal): Promise<Instance> {
    const {describer, recent} = this.deps
    const known = recent.last(id) ?? (await describer.find(id, signal))
    if (!known) throw noSuchInstance(id)
    let state: string
    try {
      state = await this.batchers[verb].add(known, signal)
    } catch (error) {
      throw await this.explain(error, verb, known, signal)
    }
    const current = INSTANCE_STATES.find(name => name === state)
    if (current) recent.noteState(id, current)
    return (recent.last(id) ?? known).instance
  }

  /** EC2 itself says it only when it is asked to stop. Where the question is not answered, that has to do. */
  async checkStop(id: string, signal?: AbortSignal): Promise<void> {
    const {clients, describer, recent} = this.deps
    const requestId = (recent.last(id) ?? (await describer.find(id, signal)))?.spotRequestId
    if (!requestId) return
    const type = await spotRequestType(clients, requestId, signal).catch((error: unknown) => {
      if (isRunctlError(error)) return null
      throw error
    })
    if (type === 'one-time') throw oneTimeSpot(id)
  }

  async setTags(id: string, tags: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<void> {
    checkTags(tags)
    signal?.throwIfAborted()
    if (!/^i-[0-9a-f]+$/.test(id)) throw noSuchInstance(id)
    const list = asTagList(tags)
    if (list.length === 0) return
    const key = JSON.stringify(list)
    const tagger = this.taggers.get(key) ?? new Batcher<string, null>(MOST_IDS, (ids, batchSignal) => this.tag(ids, list, batchSignal))
    this.taggers.set(key, tagger)
    try {
      await tagger.add(id, signal)
    } catch (error) {
      throw /^InvalidI/.test(awsErrorName(error)) ? noSuchInstance(id, error) : error
    }
    this.deps.recent.noteTags(id, tags)
  }

  private async carry(verb: Verb, known: readonly KnownInstance[], signal: AbortSignal): Promise<readonly Outcome<string>[]> {
    const spotRequests = known.flatMap(({spotRequestId}) => spotRequestId ?? [])
    if (verb === 'terminate') await cancelPersistentRequests(this.deps.clients, spotRequests, signal)
    const outcomes = await this.each(known.map(({instance}) => instance.id), ids => this.send(verb, ids, signal), signal)
    return known.map(({instance}) => outcomes.get(instance.id) ?? {value: instance.state})
  }

  private async tag(ids: readonly string[], Tags: {Key: string; Value: string}[], signal: AbortSignal): Promise<readonly Outcome<null>[]> {
    const outcomes = await this.each(ids, async some => {
      await callAws('ec2:CreateTags', signal, async () => {
        const [ec2, {CreateTagsCommand}] = await Promise.all([this.deps.clients.ec2(), import('@aws-sdk/client-ec2')])
        return ec2.send(new CreateTagsCommand({Resources: [...some], Tags}), {abortSignal: signal})
      })
      return new Map(some.map(id => [id, null]))
    }, signal)
    return ids.map(id => outcomes.get(id) ?? {value: null})
  }

  private each<R>(ids: readonly string[], call: (ids: readonly string[]) => Promise<ReadonlyMap<string, R>>, signal: AbortSignal): Promise<ReadonlyMap<string, Outcome<R>>> {
    const {clock, recent} = this.deps
    const patiently = (some: readonly string[]): Promise<ReadonlyMap<string, R>> => {
      const isTooEarly = (error: unknown): boolean => /^InvalidI/.test(awsErrorName(error)) && some.every(id => recent.isNew(id))
      return untilVisible(() => call(some), isTooEarly, {clock, limitMs: NEW_LIMIT_MS, signal})
    }
    return forEachHalving([...new Set(ids)], patiently, error => ONES_FAULT.test(awsErrorName(error)))
  }

  private async send(verb: Verb, ids: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
    const [ec2, sdk] = await Promise.all([this.deps.clients.ec2(), import('@aws-sdk/client-ec2')])
    const [input, options] = [{InstanceIds: [...ids]}, {abortSignal: signal}]
    const send = async (): Promise<readonly InstanceStateChange[] | undefined> => {
      if (verb === 'start') return (await ec2.send(new sdk.StartInstancesCommand(input), options)).StartingInstances
      if (verb === 'stop') return (await ec2.send(new sdk.StopInstancesCommand(input), options)).StoppingInstances
      return (await ec2.send(new sdk.TerminateInstancesCommand(input), options)).TerminatingInstances
    }
    const action = {start: 'ec2:StartInstances', stop: 'ec2:StopInstances', terminate: 'ec2:TerminateInstances'}[verb]
    const changes = await callAws(action, signal, send)
    return new Map((changes ?? []).flatMap(({CurrentState, InstanceId}) => (InstanceId && CurrentState?.Name ? [[InstanceId, CurrentState.Name]] : [])))
  }

  private async explain(error: unknown, verb: Verb, {instance}: KnownInstance, signal: AbortSignal | undefined): Promise<unknown> {
    const name = awsErrorName(error)
    if (/^InvalidInstanceID/.test(name)) return noSuchInstance(instance.id, error)
    if (!/^(IncorrectInstanceState|IncorrectState|IncorrectSpotRequestState|UnsupportedOperation)$/.test(name)) return error
    if (verb === 'stop' && instance.lifecycle === 'spot' && name !== 'IncorrectInstanceState') return oneTimeSpot(instance.id, error)
    const now = (await this.deps.describer.find(instance.id, signal))?.instance ?? instance
    return wrongState(now, verb, error)
  }
}

export function noSuchInstance(id: string, cause?: unknown): RunctlError {
  return new RunctlError('not_found', `there is no instance ${id} on aws in this region and account`, {
    next: ['runctl resources list --platform aws', 'runctl aws create', 'export AWS_REGION=REGION'],
    details: {instance_id: id},
    cause,
  })
}

function oneTimeSpot(id: string, cause?: unknown): RunctlError {
  return new RunctlError('wrong_state', `instance ${id} is a one-time spot instance: EC2 can terminate it but not stop it, and its disk goes with it. terminate saves first, and ends nothing where that would lose the only copy of a checkpoint`, {
    next: [`runctl aws terminate ${id}`, `runctl aws pull ${id} --checkpoints`, `runctl checkpoint list --instance-id ${id}`],
    details: {instance_id: id, aws_error: awsErrorName(cause)},
    cause,
  })
}

function wrongState({id, state, stateReason}: Instance, verb: Verb, cause: unknown): RunctlError {
  const participle = {start: 'started', stop: 'stopped', terminate: 'terminated'}[verb]
  const gone = state === 'terminated' || state === 'shutting-down'
  const wait = {pending: `runctl aws wait ${id}`, stopping: `runctl aws wait ${id} --for stopped`}[state as string]
  return new RunctlError('wrong_state', `instance ${id} is ${state} and cannot be ${participle}`, {
    next: gone ? ['runctl aws create', 'runctl resources list'] : [...(wait ? [wait] : []), `runctl aws ${verb} ${id}`],
    details: {instance_id: id, state, state_reason: stateReason, aws_error: awsErrorName(cause)},
    cause,
  })
}
