/** Instances by id, as operations that name them find them. */

import {type BenchInstance, ServiceError, type WireRequest} from '../types.js'
import {checkId} from './filters.js'
import type {Ec2State} from './state.js'

/** All of them or none; an instance that Describe has not heard of yet is unknown here too. */
export function findInstances(state: Ec2State, ids: readonly string[] | undefined, {region}: Pick<WireRequest, 'region'>): BenchInstance[] {
  for (const id of ids ?? []) checkId(id, 'i', 'InstanceID')
  const found = (ids ?? []).map((id) => {
    const instance = state.world.instances.get(id)
    return instance !== undefined && state.detailsOf(instance).region === region && state.view(instance) !== null ? instance : id
  })
  const unknown = found.filter((entry) => typeof entry === 'string')
  if (unknown.length > 0) {
    const names = unknown.length === 1 ? `ID '${unknown.join('')}' does` : `IDs '${unknown.join(', ')}' do`
    throw new ServiceError('InvalidInstanceID.NotFound', `The instance ${names} not exist`)
  }
  const instances = found.filter((entry) => typeof entry !== 'string')
  return [...new Set(instances)]
}

export function needIds(ids: readonly string[] | undefined, name: string): readonly string[] {
  if (ids === undefined || ids.length === 0) throw new ServiceError('MissingParameter', `The request must contain the parameter ${name}`)
  return ids
}
