/** What tests put into the account without asking for it: instances as mere records, volumes, snapshots, addresses. */

import {randomInt} from 'node:crypto'

import {newHexId} from '../world.js'
import type {Ec2} from './index.js'
import {makeInstances, performanceOf, planOf, type WantedDisk, type WantedInstance} from './launch.js'
import type {Address, Ec2State, Snapshot, Volume} from './state.js'

export interface WantedRecord extends WantedInstance {
  /** Default `running`. */
  readonly state?: 'running' | 'stopped'
  /** When it last began to stop, where it is stopped; default when it was made. */
  readonly stoppedAt?: Date
}

/** Instances that look as others do, without machines and without an agent: no command reaches them. Gives their ids. */
export function addRecords({lifecycle, state}: Ec2, count: number, wanted: (index: number) => WantedRecord): string[] {
  return Array.from({length: count}, (_, index) => {
    const wish = wanted(index)
    const [instance] = makeInstances(state, planOf(state, wish), 1, lifecycle)
    if (instance === undefined) throw new Error('no instance was made')
    lifecycle.record(instance, wish.state ?? 'running', wish.stoppedAt ?? instance.launchedAt)
    return instance.id
  })
}

interface WantedThing {
  readonly region?: string
  readonly tags?: Readonly<Record<string, string>>
  /** When it was made; default now. */
  readonly at?: Date
}

export interface WantedVolume extends WantedDisk, WantedThing {
  /** `eu-west-1b`; default the first of the region. */
  readonly zone?: string
}

/** Attached to nothing. */
export function addVolume(state: Ec2State, {at = state.world.now(), gib, iops, region = state.world.region, tags = {}, throughput, type = 'gp3', zone}: WantedVolume): Volume {
  return state.addVolume({
    ...performanceOf(type, gib, {Iops: iops, Throughput: throughput}),
    encrypted: true, zone: zone ?? `${region}a`, createdAt: at, tags: new Map(Object.entries(tags)), attachment: null,
  })
}

export interface WantedSnapshot extends WantedThing {
  readonly gib: number
  readonly volumeId?: string
  readonly tier?: 'archive' | 'standard'
  /** Another account's, which is public. */
  readonly foreign?: boolean
  /** An image is registered on it. */
  readonly imageId?: string
}

export function addSnapshot(state: Ec2State, {at = state.world.now(), foreign = false, gib, imageId, region = state.world.region, tags = {}, tier = 'standard', volumeId}: WantedSnapshot): Snapshot {
  const snapshot: Snapshot = {
    id: newHexId('snap'), region, ownerId: foreign ? '210987654321' : state.world.account, sizeGib: gib, volumeId: volumeId ?? newHexId('vol'), startedAt: at,
    tags: new Map(Object.entries(tags)), tier, imageId: imageId ?? null,
  }
  state.snapshots.set(snapshot.id, snapshot)
  return snapshot
}

export interface WantedAddress extends Omit<WantedThing, 'at'> {
  /** Absent: it belongs to none. */
  readonly instanceId?: string
}

export function addAddress(state: Ec2State, {instanceId, region = state.world.region, tags = {}}: WantedAddress): Address {
  const address: Address = {
    id: newHexId('eipalloc'), region, publicIp: `198.51.100.${randomInt(1, 255)}`, tags: new Map(Object.entries(tags)),
    association: instanceId === undefined ? null : {id: newHexId('eipassoc'), instanceId},
  }
  state.addresses.set(address.id, address)
  return address
}
