/** Spot requests, and interruptions as EC2 makes them. */

import type {
  CancelSpotInstanceRequestsRequest, CancelSpotInstanceRequestsResult, DescribeSpotInstanceRequestsRequest, DescribeSpotInstanceRequestsResult,
  SpotInstanceRequest,
} from '@aws-sdk/client-ec2'

import {type BenchInstance, ServiceError, type WireRequest} from '../types.js'
import {checkFilters, endDryRun, filtered, paged, tagList, tagValues} from './filters.js'
import {needIds} from './find-instances.js'
import type {Lifecycle} from './lifecycle.js'
import {regionOfZone} from './regions.js'
import type {Ec2State, SpotRequest} from './state.js'

export function describeSpotInstanceRequests(state: Ec2State, input: DescribeSpotInstanceRequestsRequest, {region}: WireRequest): DescribeSpotInstanceRequestsResult {
  checkFilters(input.Filters, ['instance-id', 'spot-instance-request-id', 'state', 'status-code', 'tag-key', 'type'])
  const chosen = input.SpotInstanceRequestIds?.map((id) => findRequest(state, id, region)) ?? [...state.spotRequests.values()].filter(({zone}) => regionOfZone(zone) === region)
  const {entries, NextToken} = paged(filtered(chosen, input.Filters, filterValues), input.MaxResults, input.NextToken)
  return {SpotInstanceRequests: entries.map(requestAnswer), NextToken}
}

function filterValues(request: SpotRequest, name: string): readonly string[] | null {
  const values: Readonly<Record<string, string | null>> = {
    'instance-id': request.instanceId, 'spot-instance-request-id': request.id, state: request.state, 'status-code': request.status, type: request.kind,
  }
  const value = values[name]
  if (value === undefined) return tagValues(request.tags, name)
  return value === null ? [] : [value]
}

function requestAnswer(request: SpotRequest): SpotInstanceRequest {
  return {
    SpotInstanceRequestId: request.id,
    InstanceId: request.instanceId ?? undefined,
    State: request.state,
    Status: {Code: request.status, Message: request.status},
    Type: request.kind,
    SpotPrice: request.maxPriceUsd,
    InstanceInterruptionBehavior: request.interruption,
    CreateTime: request.createdAt,
    LaunchedAvailabilityZone: request.zone,
    LaunchSpecification: {InstanceType: request.type as 't3.micro'},
    ProductDescription: 'Linux/UNIX',
    Tags: tagList(request.tags),
  }
}

/** The instances stay; nothing replaces them any more. */
export function cancelSpotInstanceRequests(state: Ec2State, input: CancelSpotInstanceRequestsRequest, {region}: WireRequest): CancelSpotInstanceRequestsResult {
  const requests = needIds(input.SpotInstanceRequestIds, 'SpotInstanceRequestId').map((id) => findRequest(state, id, region))
  endDryRun(input.DryRun)
  for (const request of requests) Object.assign(request, {state: 'cancelled', status: request.instanceId === null ? 'canceled-before-fulfillment' : 'request-canceled-and-instance-running'})
  return {CancelledSpotInstanceRequests: requests.map(({id}) => ({SpotInstanceRequestId: id, State: 'cancelled'}))}
}

function findRequest({spotRequests}: Ec2State, id: string, region: string): SpotRequest {
  const request = spotRequests.get(id)
  if (request === undefined || regionOfZone(request.zone) !== region) throw new ServiceError('InvalidSpotInstanceRequestID.NotFound', `The spot instance request ID '${id}' does not exist`)
  return request
}

/** The notice now; after `noticeMs` the instance is stopped or terminated, as its request says. EC2 gives two minutes. */
export function interrupt(state: Ec2State, lifecycle: Lifecycle, instance: BenchInstance, noticeMs: number): void {
  const {world} = state
  const request = state.spotRequests.get(state.detailsOf(instance).spotRequestId ?? '')
  if (request === undefined) throw new Error(`${instance.id} is no spot instance`)
  const action = request.interruption
  instance.spotNotice = {action, time: new Date(world.now().getTime() + noticeMs)}
  request.status = action === 'terminate' ? 'marked-for-termination' : 'marked-for-stop'
  world.after(noticeMs, () => {
    if (instance.state !== 'running') return
    if (action === 'terminate') lifecycle.terminate(instance, INTERRUPTED_END)
    else lifecycle.stop(instance, INTERRUPTED_STOP)
  })
}

const INTERRUPTED_END = 'Server.SpotInstanceTermination: Spot instance termination'
const INTERRUPTED_STOP = 'Server.SpotInstanceShutdown: Spot instance shutdown'

/** What EC2 does with a stopped persistent request when there is capacity again; nobody else may. */
export function resumeInterrupted(lifecycle: Lifecycle, instance: BenchInstance): void {
  if (instance.state !== 'stopped') throw new Error(`${instance.id} is ${instance.state}, not stopped`)
  lifecycle.start(instance)
}

/** @throws ServiceError for an instance that an interruption stopped: EC2 alone starts it again. */
export function checkNotInterrupted(instances: readonly BenchInstance[]): void {
  const held = instances.find(({state, stateReason}) => state === 'stopped' && stateReason === INTERRUPTED_STOP)
  if (held !== undefined) {
    throw new ServiceError('IncorrectSpotRequestState', `You can't start the Spot Instance '${held.id}' because the associated Spot Instance request is not in an appropriate state to support start.`)
  }
}
