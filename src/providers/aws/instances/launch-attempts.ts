import {RunctlError, isRunctlError} from '../../../model/errors.js'
import type {LaunchWish} from './create-options.js'
import type {Network} from './network.js'
import {awsErrorName} from './until-visible.js'

export interface Place {
  readonly subnet: string | null
  readonly zone: string | null
  readonly spot: boolean
}

/** Refusals that another zone may not give. */
const ZONES_FAULT = /^(Insufficient\w*Capacity|UnfulfillableCapacity|InsufficientCapacityOnHost|InsufficientFreeAddressesInSubnet|SpotMaxPriceTooLow|Unsupported)$/
/** Refusals that on-demand may not give. */
const SPOTS_FAULT = /^(MaxSpotInstanceCountExceeded|VcpuLimitExceeded|InvalidSpot\w*)$/

/** Where to ask for it, in this order: every zone where the user has chosen none, then, where it is wished, the same without spot. */
export function placesToTry({spot}: Pick<LaunchWish, 'spot'>, network: Network): readonly Place[] {
  const markets = spot === null ? [false] : spot.fallback === 'on-demand' ? [true, false] : [true]
  const subnets = [{id: network.subnet, zone: null}, ...network.otherSubnets]
  return markets.flatMap(market => subnets.map(({id, zone}) => ({subnet: id, zone, spot: market})))
}

/** The place to try after a refusal; null where the refusal is not about the place, or was the last. */
export function nextPlace(places: readonly Place[], refused: Place, error: unknown): Place | null {
  const rest = places.slice(places.indexOf(refused) + 1)
  const name = awsErrorName(error)
  if (isRunctlError(error) && error.details['uncertain'] === true) return null
  if (ZONES_FAULT.test(name)) return rest[0] ?? null
  return SPOTS_FAULT.test(name) ? (rest.find(({spot}) => spot !== refused.spot) ?? null) : null
}

/** The last refusal, with where else it was tried and what may help. */
export function nowhere(error: unknown, tried: readonly Place[], {instanceType, spot}: Pick<LaunchWish, 'instanceType' | 'spot'>): unknown {
  if (!isRunctlError(error) || !(ZONES_FAULT.test(awsErrorName(error)) || SPOTS_FAULT.test(awsErrorName(error)))) return error
  const zones = [...new Set(tried.flatMap(({zone}) => zone ?? []))]
  const words = zones.length > 0 ? ` (tried ${tried.some(place => !place.spot) && spot ? 'spot and on-demand ' : ''}in ${zones.join(', ')})` : ''
  const onDemand = spot?.fallback === 'none' ? [`runctl aws create --type ${instanceType} --spot --spot-fallback on-demand`] : []
  return new RunctlError(error.code, `no ${instanceType}${words}: ${error.message}`, {
    next: [...onDemand, ...error.next],
    details: {...error.details, instance_type: instanceType, zones_tried: zones},
    cause: error.cause,
  })
}
