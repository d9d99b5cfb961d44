/** EC2 of the bench: which function answers which operation. */

import * as model from '@aws-sdk/client-ec2'

import type {Handler} from '../query-protocol.js'
import {QueryService} from '../query-protocol.js'
import type {World} from '../world.js'
import {startInstances, stopInstances, terminateInstances} from './change-state.js'
import {describeInstances} from './describe-instances.js'
import {Lifecycle, type LifecycleOptions} from './lifecycle.js'
import {
  authorizeRules, createSecurityGroup, deleteSecurityGroup, describeAvailabilityZones, describeRegions, describeSecurityGroups, describeSubnets,
  describeVpcs, revokeRules,
} from './network.js'
import {describeImages, describeInstanceTypeOfferings, describeInstanceTypes} from './offers.js'
import {describeSpotPriceHistory} from './spot-prices.js'
import {associateProfile, describeAssociations, disassociateProfile, replaceProfile} from './profile-associations.js'
import {runInstances} from './run-instances.js'
import {cancelSpotInstanceRequests, describeSpotInstanceRequests} from './spot.js'
import {Ec2State} from './state.js'
import {createTags, deleteTags, describeTags} from './tags.js'
import {deleteVolume, describeVolumes} from './volumes.js'
import {describeAddresses, releaseAddress} from './addresses.js'
import {deleteSnapshot, describeSnapshots} from './snapshots.js'

export interface Ec2 {
  readonly service: QueryService
  readonly state: Ec2State
  readonly lifecycle: Lifecycle
}

export function createEc2(world: World, options: LifecycleOptions): Ec2 {
  const state = new Ec2State(world)
  const lifecycle = new Lifecycle(state, options)
  return {state, lifecycle, service: new QueryService({name: 'ec2', model: {...model}, handlers: handlersFor(state, lifecycle)})}
}

function handlersFor(state: Ec2State, lifecycle: Lifecycle): Record<string, Handler> {
  return {
    RunInstances: (input: model.RunInstancesRequest, request) => runInstances(state, lifecycle, input, request),
    DescribeInstances: (input: model.DescribeInstancesRequest, request) => describeInstances(state, input, request),
    StartInstances: (input: model.StartInstancesRequest, request) => startInstances(state, lifecycle, input, request),
    StopInstances: (input: model.StopInstancesRequest, request) => stopInstances(state, lifecycle, input, request),
    TerminateInstances: (input: model.TerminateInstancesRequest, request) => terminateInstances(state, lifecycle, input, request),
    CreateTags: (input: model.CreateTagsRequest, request) => createTags(state, input, request),
    DeleteTags: (input: model.DeleteTagsRequest, request) => deleteTags(state, input, request),
    DescribeTags: (input: model.DescribeTagsRequest, request) => describeTags(state, input, request),
    DescribeImages: (input: model.DescribeImagesRequest, request) => describeImages(input, request),
    DescribeInstanceTypes: (input: model.DescribeInstanceTypesRequest) => describeInstanceTypes(input),
    DescribeInstanceTypeOfferings: (input: model.DescribeInstanceTypeOfferingsRequest, request) => describeInstanceTypeOfferings(input, request),
    DescribeSpotPriceHistory: (input: model.DescribeSpotPriceHistoryRequest, request) => describeSpotPriceHistory(state, input, request),
    DescribeAvailabilityZones: (_input, request) => describeAvailabilityZones(request),
    DescribeRegions: (input: model.DescribeRegionsRequest) => describeRegions(input),
    DescribeVpcs: (input: model.DescribeVpcsRequest, request) => describeVpcs(state, input, request),
    DescribeSubnets: (input: model.DescribeSubnetsRequest, request) => describeSubnets(state, input, request),
    DescribeSecurityGroups: (input: model.DescribeSecurityGroupsRequest, request) => describeSecurityGroups(state, input, request),
    CreateSecurityGroup: (input: model.CreateSecurityGroupRequest, request) => createSecurityGroup(state, input, request),
    DeleteSecurityGroup: (input: model.DeleteSecurityGroupRequest, request) => deleteSecurityGroup(state, input, request),
    AuthorizeSecurityGroupIngress: (input: model.AuthorizeSecurityGroupIngressRequest, request) => authorizeRules(state, 'inbound', input, request),
    AuthorizeSecurityGroupEgress: (input: model.AuthorizeSecurityGroupEgressRequest, request) => authorizeRules(state, 'outbound', input, request),
    RevokeSecurityGroupIngress: (input: model.RevokeSecurityGroupIngressRequest, request) => revokeRules(state, 'inbound', input, request),
    RevokeSecurityGroupEgress: (input: model.RevokeSecurityGroupEgressRequest, request) => revokeRules(state, 'outbound', input, request),
    DescribeVolumes: (input: model.DescribeVolumesRequest, request) => describeVolumes(state, input, request),
    DeleteVolume: (input: model.DeleteVolumeRequest, request) => deleteVolume(state, input, request),
    DescribeSnapshots: (input: model.DescribeSnapshotsRequest, request) => describeSnapshots(state, input, request),
    DeleteSnapshot: (input: model.DeleteSnapshotRequest, request) => deleteSnapshot(state, input, request),
    DescribeAddresses: (input: model.DescribeAddressesRequest, request) => describeAddresses(state, input, request),
    ReleaseAddress: (input: model.ReleaseAddressRequest, request) => releaseAddress(state, input, request),
    DescribeSpotInstanceRequests: (input: model.DescribeSpotInstanceRequestsRequest, request) => describeSpotInstanceRequests(state, input, request),
    CancelSpotInstanceRequests: (input: model.CancelSpotInstanceRequestsRequest, request) => cancelSpotInstanceRequests(state, input, request),
    AssociateIamInstanceProfile: (input: model.AssociateIamInstanceProfileRequest, request) => associateProfile(state, input, request),
    ReplaceIamInstanceProfileAssociation: (input: model.ReplaceIamInstanceProfileAssociationRequest, request) => replaceProfile(state, input, request),
    DisassociateIamInstanceProfile: (input: model.DisassociateIamInstanceProfileRequest) => disassociateProfile(state, input),
    DescribeIamInstanceProfileAssociations: (input: model.DescribeIamInstanceProfileAssociationsRequest) => describeAssociations(state, input),
  }
}
