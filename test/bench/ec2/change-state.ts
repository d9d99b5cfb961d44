/** StartInstances, StopInstances, TerminateInstances: all of the ids or none. */

import type {InstanceStateChange, StartInstancesRequest, StopInstancesRequest, TerminateInstancesRequest} from '@aws-sdk/client-ec2'

import {type BenchInstance, type InstanceStateName, ServiceError, type WireRequest} from '../types.js'
import {stateOf} from './describe-instances.js'
import {endDryRun} from './filters.js'
import {findInstances, needIds} from './find-instances.js'
import type {Lifecycle} from './lifecycle.js'
import {checkVcpus} from './quota-check.js'
import {checkNotInterrupted} from './spot.js'
import type {Ec2State} from './state.js'

export function startInstances(state: Ec2State, lifecycle: Lifecycle, input: StartInstancesRequest, request: WireRequest) {
  const instances = findInstances(state, needIds(input.InstanceIds, 'InstanceId'), request)
  checkStates(instances, ['pending', 'running', 'stopped'], 'started')
  checkNotInterrupted(instances)
  for (const {type, spot, state: present} of instances) if (present === 'stopped') checkVcpus(state, type, spot !== null, 1, request.region)
  endDryRun(input.DryRun)
  return {StartingInstances: instances.map((instance) => changed(instance, ['stopped'], () => lifecycle.start(instance)))}
}

export function stopInstances(state: Ec2State, lifecycle: Lifecycle, input: StopInstancesRequest, request: WireRequest) {
  const instances = findInstances(state, needIds(input.InstanceIds, 'InstanceId'), request)
  const oneTime = instances.find(({spot, state: present}) => spot === 'one-time' && present !== 'terminated' && present !== 'shutting-down')
  if (oneTime !== undefined) {
    throw new ServiceError('UnsupportedOperation', `You can't stop the Spot Instance '${oneTime.id}' because it is associated with a one-time Spot Instance request. You can only stop Spot Instances associated with persistent Spot Instance requests.`)
  }
  checkStates(instances, ['running', 'stopping', 'stopped'], 'stopped')
  endDryRun(input.DryRun)
  return {StoppingInstances: instances.map((instance) => changed(instance, ['running'], () => lifecycle.stop(instance)))}
}

export function terminateInstances(state: Ec2State, lifecycle: Lifecycle, input: TerminateInstancesRequest, request: WireRequest) {
  const instances = findInstances(state, needIds(input.InstanceIds, 'InstanceId'), request)
  endDryRun(input.DryRun)
  const living: readonly InstanceStateName[] = ['pending', 'running', 'stopping', 'stopped']
  return {TerminatingInstances: instances.map((instance) => changed(instance, living, () => lifecycle.terminate(instance)))}
}

function checkStates(instances: readonly BenchInstance[], allowed: readonly InstanceStateName[], verb: string): void {
  const other = instances.find(({state}) => !allowed.includes(state))
  if (other !== undefined) throw new ServiceError('IncorrectInstanceState', `The instance '${other.id}' is not in a state from which it can be ${verb}.`)
}

/** Acts where the instance is in one of the states `from`; else it is already where it should be. */
function changed(instance: BenchInstance, from: readonly InstanceStateName[], act: () => void): InstanceStateChange {
  const previous = instance.state
  if (from.includes(previous)) act()
  return {InstanceId: instance.id, PreviousState: stateOf(previous), CurrentState: stateOf(instance.state)}
}
