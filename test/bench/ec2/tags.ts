/** CreateTags, DeleteTags, DescribeTags. */

import type {CreateTagsRequest, DeleteTagsRequest, DescribeTagsRequest, DescribeTagsResult, TagDescription} from '@aws-sdk/client-ec2'

import {ServiceError, type WireRequest} from '../types.js'
import {checkTags} from './check-tags.js'
import {checkFilters, endDryRun, filtered, paged, tagValues} from './filters.js'
import {findInstances, needIds} from './find-instances.js'
import {regionOfZone, vpcIdOf} from './regions.js'
import {findAddress} from './addresses.js'
import {findSnapshot} from './snapshots.js'
import type {Ec2State} from './state.js'
import {findVolume} from './volumes.js'

interface Tagged {
  readonly tags: Map<string, string>
  readonly saved: () => void
}

export function createTags(state: Ec2State, input: CreateTagsRequest, request: WireRequest): object {
  const tags = input.Tags ?? []
  if (tags.length === 0) throw new ServiceError('MissingParameter', 'The request must contain the parameter Tag')
  const resources = needIds(input.Resources, 'ResourceId').map((id) => findTagged(state, id, request))
  for (const resource of resources) checkTags(tags, resource.tags)
  endDryRun(input.DryRun)
  for (const resource of resources) {
    for (const {Key = '', Value = ''} of tags) resource.tags.set(Key, Value)
    resource.saved()
  }
  return {}
}

/** Without tags: all of them. A tag with a value goes only where it has that value. */
export function deleteTags(state: Ec2State, input: DeleteTagsRequest, request: WireRequest): object {
  const resources = needIds(input.Resources, 'ResourceId').map((id) => findTagged(state, id, request))
  endDryRun(input.DryRun)
  for (const resource of resources) {
    if (input.Tags === undefined) resource.tags.clear()
    for (const {Key = '', Value} of input.Tags ?? []) {
      if (Value === undefined || resource.tags.get(Key) === Value) resource.tags.delete(Key)
    }
    resource.saved()
  }
  return {}
}

function findTagged(state: Ec2State, id: string, request: WireRequest): Tagged {
  const saved = () => undefined
  switch (id.split('-')[0] ?? '') {
    case 'i': {
      const [instance] = findInstances(state, [id], request)
      if (instance === undefined) break
      return {tags: instance.tags, saved: () => state.record(instance)}
    }
    case 'vol':
      return {tags: findVolume(state, id, request.region).tags, saved}
    case 'snap':
      return {tags: findSnapshot(state, id, request.region).tags, saved}
    case 'eipalloc':
      return {tags: findAddress(state, id, request.region).tags, saved}
    case 'sg':
      return {tags: found(state.groups.get(id), 'InvalidGroup.NotFound', `The security group '${id}' does not exist`).tags, saved}
    case 'sir':
      return {tags: found(state.spotRequests.get(id), 'InvalidSpotInstanceRequestID.NotFound', `The spot instance request ID '${id}' does not exist`).tags, saved}
  }
  throw new ServiceError('InvalidID', `The ID '${id}' is not valid`)
}

function found<T>(thing: T | undefined, code: string, message: string): T {
  if (thing === undefined) throw new ServiceError(code, message)
  return thing
}

export function describeTags(state: Ec2State, input: DescribeTagsRequest, {region}: WireRequest): DescribeTagsResult {
  checkFilters(input.Filters, ['key', 'resource-id', 'resource-type', 'value'])
  const all = [...allTagged(state, region)].flatMap(([id, type, tags]) => [...tags].map(([Key, Value]) => ({ResourceId: id, ResourceType: type, Key, Value})))
  const {entries, NextToken} = paged(filtered<TagDescription>(all, input.Filters, filterValues), input.MaxResults, input.NextToken)
  return {Tags: entries, NextToken}
}

function filterValues({ResourceId = '', ResourceType, Key = '', Value = ''}: TagDescription, name: string): readonly string[] | null {
  const values: Readonly<Record<string, string>> = {'resource-id': ResourceId, 'resource-type': ResourceType ?? '', key: Key, value: Value}
  const value = values[name]
  return value === undefined ? tagValues(new Map([[Key, Value]]), name) : [value]
}

function* allTagged(state: Ec2State, region: string): Iterable<readonly [string, NonNullable<TagDescription['ResourceType']>, ReadonlyMap<string, string>]> {
  for (const instance of state.world.instances.values()) {
    const view = state.detailsOf(instance).region === region ? state.view(instance) : null
    if (view !== null) yield [instance.id, 'instance', view.tags]
  }
  for (const volume of state.volumes.values()) if (regionOfZone(volume.zone) === region) yield [volume.id, 'volume', volume.tags]
  for (const snapshot of state.snapshots.values()) if (snapshot.region === region && snapshot.ownerId === state.world.account) yield [snapshot.id, 'snapshot', snapshot.tags]
  for (const address of state.addresses.values()) if (address.region === region) yield [address.id, 'elastic-ip', address.tags]
  for (const group of state.groups.values()) if (group.vpcId === vpcIdOf(region)) yield [group.id, 'security-group', group.tags]
  for (const request of state.spotRequests.values()) if (regionOfZone(request.zone) === region) yield [request.id, 'spot-instances-request', request.tags]
}
