/** The vCPU quotas, as RunInstances and StartInstances enforce them. */

import {type BenchInstance, ServiceError} from '../types.js'
import {INSTANCE_TYPES} from './catalogue.js'
import type {LaunchPlan} from './launch.js'
import type {Ec2State} from './state.js'

/** @throws ServiceError VcpuLimitExceeded, MaxSpotInstanceCountExceeded, SpotMaxPriceTooLow */
export function checkQuota(state: Ec2State, plan: LaunchPlan, count: number): void {
  const market = plan.input.InstanceMarketOptions
  const spot = market?.MarketType === 'spot'
  const maxPrice = market?.SpotOptions?.MaxPrice
  if (spot && maxPrice !== undefined && Number(maxPrice) < plan.type.spotUsd) {
    throw new ServiceError('SpotMaxPriceTooLow', `Your Spot request price of ${maxPrice} is lower than the minimum required Spot request fulfillment price of ${plan.type.spotUsd}.`)
  }
  checkVcpus(state, plan.type.name, spot, count, plan.region)
}

/** Each region has quotas of its own, of the same size here. */
export function checkVcpus(state: Ec2State, typeName: string, spot: boolean, count: number, region: string): void {
  const {world} = state
  const type = INSTANCE_TYPES.get(typeName)
  if (type === undefined) return
  const code = spot ? type.quota.spot : type.quota.onDemand
  const limit = world.quotas.get(code) ?? Infinity
  const used = [...world.instances.values()].filter((instance) => usesQuota(instance, code) && state.detailsOf(instance).region === region).reduce((sum, instance) => sum + (INSTANCE_TYPES.get(instance.type)?.vcpus ?? 0), 0)
  if (used + count * type.vcpus <= limit) return
  if (spot) throw new ServiceError('MaxSpotInstanceCountExceeded', 'Max spot instance count exceeded')
  throw new ServiceError('VcpuLimitExceeded', `You have requested more vCPU capacity than your current vCPU limit of ${limit} allows for the instance bucket that the specified instance type belongs to. Please visit http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this limit.`)
}

function usesQuota({type, spot, state}: BenchInstance, code: string): boolean {
  const quota = INSTANCE_TYPES.get(type)?.quota
  return (state === 'pending' || state === 'running') && (spot === null ? quota?.onDemand : quota?.spot) === code
}
