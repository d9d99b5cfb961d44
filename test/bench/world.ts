/** What exists in the bench's account. The services read and change it; tests arrange and look at it. */

import {randomBytes} from 'node:crypto'

import type {ConditionContext} from './conditions.js'
import {allows, matchesPattern, type PolicyDocument, SSM_CORE_POLICY_ARN} from './policies.js'
import {DEFAULT_QUOTAS} from './quotas.js'
import type {BenchInstance, BenchTimes, InstanceStateName, Machines, Principal} from './types.js'

export interface AccessKey {
  readonly id: string
  readonly secret: string
  readonly sessionToken: string | null
  readonly principal: Principal
  /** null: never. */
  readonly expiresAt: Date | null
}

export interface Role {
  readonly name: string
  readonly arn: string
  readonly id: string
  readonly createdAt: Date
  readonly description: string
  /** The trust policy as sent. */
  readonly trust: string
  readonly inline: Map<string, PolicyDocument>
  /** ARNs of managed policies. */
  readonly attached: Set<string>
  readonly tags: Map<string, string>
}

export interface InstanceProfile {
  readonly name: string
  readonly arn: string
  readonly id: string
  readonly createdAt: Date
  /** Names; AWS allows one. */
  readonly roles: string[]
  readonly tags: Map<string, string>
}

/** Changes of an instance that other parts follow: SSM its agents, tests what happened. */
export type StateListener = (instance: BenchInstance, previous: InstanceStateName | null) => void

export interface WorldOptions {
  readonly times: BenchTimes
  readonly region: string
  readonly endpointPort: number
  /** The same endpoint for instances, which see no network of this machine. */
  readonly socketPath: string
}

const HOUR_MS = 3_600_000

export class World {
  readonly account = '123456789012'
  readonly region: string
  readonly times: BenchTimes
  readonly endpointPort: number
  readonly socketPath: string
  readonly instances = new Map<string, BenchInstance>()
  readonly roles = new Map<string, Role>()
  readonly instanceProfiles = new Map<string, InstanceProfile>()
  readonly accessKeys = new Map<string, AccessKey>()
  /** vCPUs by quota code; tests set them. */
  readonly quotas = new Map([...DEFAULT_QUOTAS].map(([code, {vcpus}]) => [code, vcpus]))
  /** AWS's clock is ahead of this machine's by so much; a test of a wrong clock sets it. */
  clockOffsetMs = 0
  /** SSM runs the next so many commands twice on each of their instances. */
  doubleDelivery = 0
  /** Whether an agent that is back after a stop runs again what it was running. */
  redeliverAfterStart = true
  /** How long a second of SSM's timeouts lasts, in milliseconds; tests of timeouts make it smaller. */
  ssmSecondMs = 1000
  /** Whether the normal user of instances that start from now on may use `sudo`. */
  sudo = true
  /** Set by startAwsBench before the first request. */
  machines!: Machines
  readonly #listeners = new Set<StateListener>()
  readonly #denials = new Set<{readonly action: string; readonly principalArn: string | null}>()
  readonly #timers = new Set<NodeJS.Timeout>()
  #closed = false

  constructor(options: WorldOptions) {
    this.region = options.region
    this.times = options.times
    this.endpointPort = options.endpointPort
    this.socketPath = options.socketPath
  }

  now(): Date {
    return new Date(Date.now() + this.clockOffsetMs)
  }

  /** Where an instance lives, by its zone. */
  regionOf(instance: BenchInstance): string {
    return instance.request['Placement.AvailabilityZone']?.slice(0, -1) ?? this.region
  }

  /** Runs `action` later, unless the bench is closed before. */
  after(ms: number, action: () => void): void {
    if (this.#closed) return
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      action()
    }, ms)
    this.#timers.add(timer)
  }

  /** Nothing planned by `after` happens any more. */
  close(): void {
    this.#closed = true
    for (const timer of this.#timers) clearTimeout(timer)
    this.#timers.clear()
    this.#listeners.clear()
  }

  /** `listener` hears of each change of state, after it; the function given back ends that. */
  onState(listener: StateListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Used by ec2/lifecycle.ts alone. */
  tellState(instance: BenchInstance, previous: InstanceStateName | null): void {
    for (const listener of this.#listeners) listener(instance, previous)
  }

  /** A user with a key of its own, allowed everything that is not denied. */
  addUser(name: string, key: {readonly id?: string; readonly secret?: string; readonly sessionToken?: string; readonly expiresAt?: Date} = {}): AccessKey {
    return this.#addKey({
      id: key.id ?? newId('AKIA', 16),
      secret: key.secret ?? randomBytes(30).toString('base64'),
      sessionToken: key.sessionToken ?? null,
      expiresAt: key.expiresAt ?? null,
      principal: {kind: 'user', arn: `arn:aws:iam::${this.account}:user/${name}`, userId: newId('AIDA', 17)},
    })
  }

  /** What IMDS hands out at `iam/security-credentials/ROLE`; null where the instance has no profile with a role. */
  credentialsOf(instance: BenchInstance, lifeMs = 6 * HOUR_MS): AccessKey | null {
    const role = this.roleOf(instance)
    if (role === null) return null
    return this.#addKey({
      id: newId('ASIA', 16),
      secret: randomBytes(30).toString('base64'),
      sessionToken: randomBytes(120).toString('base64'),
      expiresAt: new Date(this.now().getTime() + lifeMs),
      principal: {
        kind: 'role',
        arn: `arn:aws:sts::${this.account}:assumed-role/${role.name}/${instance.id}`,
        userId: `${role.id}:${instance.id}`,
        roleName: role.name,
      },
    })
  }

  #addKey(key: AccessKey): AccessKey {
    this.accessKeys.set(key.id, key)
    return key
  }

  /** The role that an instance acts as. */
  roleOf(instance: BenchInstance): Role | null {
    const profile = [...this.instanceProfiles.values()].find(({arn}) => arn === instance.profileArn)
    return this.roles.get(profile?.roles[0] ?? '') ?? null
  }

  /** Whether the SSM agent of an instance may register: a profile whose role has the rights. */
  mayUseSsm(instance: BenchInstance): boolean {
    const role = this.roleOf(instance)
    return role !== null && this.roleAllows(role, 'ssm:UpdateInstanceInformation', '*') && this.roleAllows(role, 'ssmmessages:CreateControlChannel', '*')
  }

  roleAllows(role: Role, action: string, resource: string, context: ConditionContext = {}): boolean {
    return allows([...role.inline.values()], role.attached, action, resource, context)
  }

  /**
   * Makes an action (`ec2:RunInstances`, `s3:*`) fail as AWS does for who has no permission; absent principal: for everyone.
   * The function given back allows it again.
   */
  deny(action: string, principalArn?: string): () => void {
    const denial = {action, principalArn: principalArn ?? null}
    this.#denials.add(denial)
    return () => this.#denials.delete(denial)
  }

  /** Users may do what is not denied; an instance's role what its policies allow besides. */
  isAllowed(principal: Principal, action: string, resource: string, context: ConditionContext = {}): boolean {
    for (const denial of this.#denials) {
      const concerned = denial.principalArn === null || denial.principalArn === principal.arn
      if (concerned && matchesPattern(denial.action, action)) return false
    }
    if (principal.kind === 'user') return true
    const role = this.roles.get(principal.roleName ?? '')
    return role !== undefined && this.roleAllows(role, action, resource, context)
  }

  /** A role and a profile of the same name, as the EC2 console makes them. */
  addInstanceProfile(name: string, policies: readonly string[] = [SSM_CORE_POLICY_ARN], inline: Readonly<Record<string, PolicyDocument>> = {}): InstanceProfile {
    const createdAt = this.now()
    this.roles.set(name, {
      name,
      arn: `arn:aws:iam::${this.account}:role/${name}`,
      id: newId('AROA', 17),
      createdAt,
      description: '',
      trust: JSON.stringify({
        Version: '2012-10-17',
        Statement: [{Effect: 'Allow', Principal: {Service: 'ec2.amazonaws.com'}, Action: 'sts:AssumeRole'}],
      }),
      inline: new Map(Object.entries(inline)),
      attached: new Set(policies),
      tags: new Map(),
    })
    const profile: InstanceProfile = {
      name,
      arn: `arn:aws:iam::${this.account}:instance-profile/${name}`,
      id: newId('AIPA', 17),
      createdAt,
      roles: [name],
      tags: new Map(),
    }
    this.instanceProfiles.set(name, profile)
    return profile
  }
}

const ID_LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** `AKIA` and 16 more letters, as IAM forms ids. */
export function newId(prefix: string, length: number): string {
  return prefix + [...randomBytes(length)].map((byte) => ID_LETTERS[byte % ID_LETTERS.length]).join('')
}

/** `i-` and 17 hexadecimal digits, as EC2 forms ids. */
export function newHexId(prefix: string): string {
  return `${prefix}-0${randomBytes(8).toString('hex')}`
}
