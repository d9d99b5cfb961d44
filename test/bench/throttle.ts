/** EC2's request buckets, by which it throttles an account's calls in a region. */

import {ServiceError, type WireRequest} from './types.js'

interface Bucket {
  readonly size: number
  readonly perSecond: number
}

const READS: Bucket = {size: 100, perSecond: 20}
const CHANGES: Bucket = {size: 50, perSecond: 5}
const OWN_BUCKETS: Readonly<Record<string, Bucket>> = {
  RunInstances: {size: 5, perSecond: 2},
  StartInstances: {size: 5, perSecond: 2},
  TerminateInstances: {size: 100, perSecond: 5},
}

export class Throttle {
  readonly #levels = new Map<string, {left: number; at: number}>()
  readonly #now: () => Date

  constructor(now: () => Date) {
    this.#now = now
  }

  /** @throws ServiceError RequestLimitExceeded where an EC2 call finds no token; other services are not limited. */
  spend({service, operation, region}: Pick<WireRequest, 'operation' | 'region' | 'service'>): void {
    if (service !== 'ec2') return
    const own = OWN_BUCKETS[operation]
    const bucket = own ?? (operation.startsWith('Describe') ? READS : CHANGES)
    const name = `${region} ${own === undefined ? String(bucket === READS) : operation}`
    const now = this.#now().getTime()
    const level = this.#levels.get(name) ?? {left: bucket.size, at: now}
    const left = Math.min(bucket.size, level.left + ((now - level.at) / 1000) * bucket.perSecond)
    this.#levels.set(name, {left: left < 1 ? left : left - 1, at: now})
    if (left < 1) throw new ServiceError('RequestLimitExceeded', 'Request limit exceeded.', 503)
  }
}
