/** Machines for the instances of a foreign emulator. Its instances change their state at once, so theirs do too. */

import {EC2Client, type Instance, paginateDescribeInstances} from '@aws-sdk/client-ec2'

import type {BenchInstance, InstanceStateName} from './types.js'
import type {World} from './world.js'

export class JudgedInstances {
  readonly #world: World
  readonly #url: string
  #turn: Promise<void> = Promise.resolve()

  constructor(world: World, url: string) {
    this.#world = world
    this.#url = url
  }

  /** Resolves when the world is what the emulator says it is, machines included. One at a time. */
  follow(): Promise<void> {
    const turn = this.#turn.then(() => this.#bringInLine())
    this.#turn = turn.catch(() => undefined)
    return turn
  }

  async #bringInLine(): Promise<void> {
    const client = new EC2Client({endpoint: this.#url, region: this.#world.region, credentials: {accessKeyId: 'judge', secretAccessKey: 'judge'}})
    try {
      const found: Instance[] = []
      for await (const {Reservations} of paginateDescribeInstances({client}, {})) found.push(...(Reservations ?? []).flatMap(({Instances}) => Instances ?? []))
      await Promise.all(found.map((instance) => this.#adopt(instance)))
    } finally {
      client.destroy()
    }
  }

  async #adopt(raw: Instance): Promise<void> {
    const {instances} = this.#world
    const id = raw.InstanceId ?? ''
    const isNew = !instances.has(id)
    const instance = instances.get(id) ?? newInstance(raw)
    instances.set(id, instance)
    instance.tags.clear()
    for (const {Key = '', Value = ''} of raw.Tags ?? []) instance.tags.set(Key, Value)
    instance.profileArn = raw.IamInstanceProfile?.Arn ?? null
    if (isNew) this.#world.tellState(instance, null)
    const state = raw.State?.Name ?? instance.state
    if (state !== instance.state) await this.#change(instance, state, raw)
  }

  async #change(instance: BenchInstance, state: InstanceStateName, raw: Instance): Promise<void> {
    const {machines, times} = this.#world
    const previous = instance.state
    const isUp = state === 'running'
    if (isUp) await machines.start(instance)
    else {
      instance.onlineAt = null
      instance.state = state === 'terminated' ? 'shutting-down' : 'stopping'
      await (state === 'terminated' ? machines.remove(instance) : machines.stop(instance))
    }
    Object.assign(instance, {launchedAt: raw.LaunchTime ?? instance.launchedAt, transitionReason: raw.StateTransitionReason ?? ''})
    instance.onlineAt = isUp ? new Date(this.#world.now().getTime() + times.onlineMs) : null
    instance.state = state
    this.#world.tellState(instance, previous)
  }
}

function newInstance(raw: Instance): BenchInstance {
  const launchedAt = raw.LaunchTime ?? new Date()
  return {
    id: raw.InstanceId ?? '',
    state: 'pending',
    type: raw.InstanceType ?? 't3.medium',
    imageId: raw.ImageId ?? '',
    spot: raw.InstanceLifecycle === 'spot' ? 'one-time' : null,
    tags: new Map(),
    profileArn: null,
    clientToken: raw.ClientToken ?? null,
    createdAt: launchedAt,
    launchedAt,
    stateReason: null,
    transitionReason: '',
    onlineAt: null,
    spotNotice: null,
    userData: null,
    request: {'Placement.AvailabilityZone': raw.Placement?.AvailabilityZone ?? ''},
  }
}
