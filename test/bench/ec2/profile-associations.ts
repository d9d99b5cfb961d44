/** Instance profiles of running instances. */

import type {
  AssociateIamInstanceProfileRequest, DescribeIamInstanceProfileAssociationsRequest, DisassociateIamInstanceProfileRequest,
  IamInstanceProfileAssociation, ReplaceIamInstanceProfileAssociationRequest,
} from '@aws-sdk/client-ec2'

import {accessDenied} from '../access.js'
import {type BenchInstance, ServiceError, type WireRequest} from '../types.js'
import {newHexId} from '../world.js'
import {profileAnswer} from './describe-instances.js'
import {checkFilters, filtered, paged} from './filters.js'
import {findInstances, needIds} from './find-instances.js'
import {findProfile} from './run-instances.js'
import type {Ec2State} from './state.js'

export function associateProfile(state: Ec2State, input: AssociateIamInstanceProfileRequest, request: WireRequest) {
  const [instance] = findInstances(state, needIds(input.InstanceId === undefined ? [] : [input.InstanceId], 'InstanceId'), request)
  if (instance === undefined) throw new ServiceError('MissingParameter', 'The request must contain the parameter InstanceId')
  if (instance.profileArn !== null) throw new ServiceError('IncorrectState', `There is an existing association for instance ${instance.id}`)
  if (instance.state !== 'running' && instance.state !== 'stopped') throw notReady(instance)
  return {IamInstanceProfileAssociation: associate(state, instance, input.IamInstanceProfile ?? {}, request)}
}

export function replaceProfile(state: Ec2State, input: ReplaceIamInstanceProfileAssociationRequest, request: WireRequest) {
  const instance = findAssociated(state, input.AssociationId)
  return {IamInstanceProfileAssociation: associate(state, instance, input.IamInstanceProfile ?? {}, request)}
}

export function disassociateProfile(state: Ec2State, input: DisassociateIamInstanceProfileRequest) {
  const instance = findAssociated(state, input.AssociationId)
  const answer = associationAnswer(state, instance, 'disassociating')
  instance.profileArn = null
  state.detailsOf(instance).associationId = null
  state.record(instance)
  return {IamInstanceProfileAssociation: answer}
}

function notReady({id}: BenchInstance): ServiceError {
  return new ServiceError('IncorrectInstanceState', `The instance '${id}' is not in a state in which its profile can change.`)
}

/** The agent notices after a while, as after a start. */
function associate(state: Ec2State, instance: BenchInstance, which: {readonly Name?: string | undefined; readonly Arn?: string | undefined}, {principal}: WireRequest) {
  const {world} = state
  const profile = findProfile(world, which)
  const role = world.roles.get(profile.roles[0] ?? '')
  if (role !== undefined && principal !== undefined && !world.isAllowed(principal, 'iam:PassRole', role.arn)) {
    throw accessDenied('ec2', principal.arn, 'iam:PassRole', role.arn)
  }
  instance.profileArn = profile.arn
  state.detailsOf(instance).associationId = newHexId('iip-assoc')
  if (instance.state === 'running') instance.onlineAt = new Date(world.now().getTime() + world.times.onlineMs)
  state.record(instance)
  return associationAnswer(state, instance, 'associating')
}

function findAssociated(state: Ec2State, associationId: string | undefined): BenchInstance {
  const instance = [...state.world.instances.values()].find((candidate) => state.detailsOf(candidate).associationId === associationId)
  if (instance === undefined) throw new ServiceError('InvalidAssociationID.NotFound', `An invalid association-id of '${associationId ?? ''}' was given`)
  return instance
}

export function describeAssociations(state: Ec2State, input: DescribeIamInstanceProfileAssociationsRequest) {
  checkFilters(input.Filters, ['instance-id', 'state'])
  const all = [...state.world.instances.values()].filter((instance) => instance.profileArn !== null && instance.state !== 'terminated')
  const chosen = all.map((instance) => associationAnswer(state, instance, 'associated')).filter(({AssociationId = ''}) => input.AssociationIds?.includes(AssociationId) ?? true)
  const {entries, NextToken} = paged(
    filtered(chosen, input.Filters, ({InstanceId = '', State = ''}, name) => [name === 'state' ? State : InstanceId]),
    input.MaxResults,
    input.NextToken,
  )
  return {IamInstanceProfileAssociations: entries, NextToken}
}

function associationAnswer(state: Ec2State, instance: BenchInstance, word: 'associated' | 'associating' | 'disassociating'): IamInstanceProfileAssociation {
  return {
    AssociationId: state.detailsOf(instance).associationId ?? undefined,
    InstanceId: instance.id,
    IamInstanceProfile: instance.profileArn === null ? undefined : profileAnswer(state, instance.profileArn),
    State: word,
  }
}
