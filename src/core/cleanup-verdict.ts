import {timeWords} from '../model/amount-words.js'
import {TAGS, type Instance} from '../model/instance.js'
import type {Holding, HoldingKind} from '../providers/provider.js'

/** What a create needs at most until its instance can be used; what is younger may be on its way. */
export const HALF_CREATED_MS = 3_600_000

export interface CleanupRule {
  /** Since it stopped; of what else there is, since it was made. 0: whatever its age, also where nobody knows it. */
  readonly olderThanMs: number
  /** Only this project's; null: all. */
  readonly project: string | null
  /** Whose things may go: the value of the owner tag. */
  readonly owner: string
  readonly kinds: readonly ('instance' | HoldingKind)[]
  /** The user named the kinds, rather than meaning all. */
  readonly isKindNamed: boolean
  /** Half-created ones may go although they run. */
  readonly includeRunning: boolean
  /** What holds only copies is started for them to be copied to this machine. */
  readonly startToSave: boolean
}

/**
 * What nobody can tell by the tags. Of a running instance: whether anything was ever run on it. `unreachable`: nothing can have been, because
 * the platform takes no commands for it until somebody changes something. Of a stopped one: whether its newest checkpoint is in the store, and is of
 * the last time that it ran.
 */
export interface Evidence {
  readonly used: 'never' | 'silent' | 'unreachable' | 'yes'
  readonly stored: boolean
}

/** `end`: it runs, and is saved first. `save`: it is started, its checkpoints are copied, and then it is ended. */
export type Removal = 'delete' | 'end' | 'save' | 'terminate'

export type Verdict =
  | {readonly what: 'remove'; readonly how: Removal; readonly why: string; /** What is gone with it. */ readonly loses: string; readonly force: boolean}
  | {readonly what: 'leave' | 'refuse'; readonly why: string; readonly next: readonly string[]}

/** A verdict, or what must be known for one. */
export type InstanceVerdict = Verdict | 'needs-stored' | 'needs-used'

/** null: it is none of this clean-up's business, and is not listed. `evidence`: null as long as nobody has looked. */
export function judgeInstance(instance: Instance, rule: CleanupRule, now: Date, evidence: Evidence | null): InstanceVerdict | null {
  const {id, platform, state, tags} = instance
  if (state === 'terminated' || state === 'shutting-down') return null
  if (!rule.kinds.includes('instance')) return null
  if (rule.project !== null && tags[TAGS.project] !== rule.project) return null
  const notOurs = whyNotOurs(tags, rule)
  if (notOurs !== null) return leave(notOurs)
  switch (state) {
    case 'stopped': return judgeStopped(instance, rule, now, evidence)
    case 'stopping': return leave('it is being stopped')
    case 'pending':
    case 'running': {
      const stop = [`runctl ${platform} stop ${id}`]
      if (wasUsed(tags)) return leave(`it is ${state}, and was trained on`, stop)
      const ageMs = now.getTime() - Date.parse(instance.createdAt ?? '')
      if (!(ageMs >= HALF_CREATED_MS)) return leave(`it is ${state}, and was created less than an hour ago`, stop)
      if (evidence === null && state === 'running') return 'needs-used'
      return judgeRunning(instance, rule, timeWords(ageMs / 1000), evidence?.used ?? 'never')
    }
  }
}

function judgeRunning({id, platform, state}: Instance, rule: CleanupRule, age: string, used: Evidence['used']): Verdict {
  const command = `runctl ${platform} terminate ${id}`
  if (used === 'yes') return leave(`it is ${state}, and was trained on`, [`runctl ${platform} stop ${id}`])
  if (used === 'silent') return leave(`it is ${state} for ${age} and does not answer, so nobody knows what is on it`, [`runctl ${platform} status ${id}`, command])
  const why = `created ${age} ago, never used${used === 'unreachable' ? ', and takes no commands' : ''}`
  if (!rule.includeRunning) return leave(`${why}; it is ${state}: --include-running ends it`, [command])
  return {what: 'remove', how: 'end', why, loses: 'its disk; nothing was ever trained on it', force: used === 'unreachable'}
}

function judgeStopped(instance: Instance, rule: CleanupRule, now: Date, evidence: Evidence | null): InstanceVerdict {
  const {id, platform, tags} = instance
  const age = ageOf(instance.stoppedAt ?? null, rule, now, 'it stopped')
  if ('leave' in age) return leave(age.leave)
  const why = age.words === null ? 'stopped' : `stopped for ${age.words}`
  const may = (loses: string): Verdict => ({what: 'remove', how: 'terminate', why, loses, force: false})
  const left = onlyHere(instance)
  if (left === 0) return may('its disk; every checkpoint is known to be elsewhere')
  if (left === null && !wasUsed(tags)) return may('its disk; nothing was ever trained on it')
  if (left === null && evidence === null) return 'needs-stored'
  if (left === null && evidence?.stored) return may('its disk; the last checkpoint of the last time that it ran is in the store')
  const holds = left === null ? 'what its disk holds was not recorded when it stopped, and no checkpoint of the last time that it ran is in the store' : `its disk holds ${left} complete checkpoint(s) that are known to be nowhere else`
  if (rule.startToSave) return {what: 'remove', how: 'save', why: `${why}; ${holds}`, loses: 'its disk, once its checkpoints are on this machine', force: false}
  return {
    what: 'refuse',
    why: holds,
    next: [`runctl ${platform} start ${id} --wait`, `runctl ${platform} pull ${id} --checkpoints`, `runctl ${platform} terminate ${id}`],
  }
}

export function judgeHolding(holding: Holding, rule: CleanupRule, now: Date): Verdict | null {
  const {attachedTo, kind, sizeGib, tags} = holding
  if (!rule.kinds.includes(kind)) return null
  if (rule.project !== null && tags[TAGS.project] !== rule.project) return null
  // The disks of instances are in the lines of their instances.
  if (attachedTo !== null) return null
  const notOurs = whyNotOurs(tags, rule)
  if (notOurs !== null) return leave(notOurs)
  // Some kinds have no time of their making anywhere: who names the kind means them.
  const named = rule.isKindNamed && holding.createdAt === null
  const age = named ? {words: null} : ageOf(holding.createdAt, rule, now, 'it was made')
  if ('leave' in age) return leave(holding.createdAt === null ? `${age.leave}: --kind ${kind} takes it along` : age.leave)
  const size = sizeGib === null ? '' : ` (${sizeGib} GiB)`
  const loses = {address: 'the address', snapshot: `what it holds${size}`, volume: `whatever is on it${size}`}[kind]
  return {what: 'remove', how: 'delete', why: `attached to nothing${age.words === null ? '' : `, made ${age.words} ago`}`, loses, force: false}
}

const leave = (why: string, next: readonly string[] = []): Verdict => ({what: 'leave', why, next})

/** null: it bears the tag of runctl, and that of the owner. */
export function whyNotOurs(tags: Readonly<Record<string, string>>, {owner}: Pick<CleanupRule, 'owner'>): string | null {
  if (tags[TAGS.createdBy] === undefined) return 'runctl did not make it'
  const whose = tags[TAGS.owner]
  if (whose === undefined) return 'it does not say whose it is'
  return whose === owner ? null : `it belongs to ${whose}`
}

/** `words` null: its age is not known, and does not matter. */
function ageOf(at: string | null, {olderThanMs}: CleanupRule, now: Date, event: string): {readonly leave: string} | {readonly words: string | null} {
  const ms = at === null ? Number.NaN : now.getTime() - Date.parse(at)
  if (Number.isNaN(ms)) return olderThanMs === 0 ? {words: null} : {leave: `nobody knows when ${event}`}
  if (ms < olderThanMs) return {leave: `${event} ${timeWords(ms / 1000)} ago, which is less than ${timeWords(olderThanMs / 1000)}`}
  return {words: timeWords(ms / 1000)}
}

/** A stop counts what is on the disk of any instance: 0 says nothing of a run. */
const wasUsed = (tags: Instance['tags']): boolean => tags[TAGS.lastRun] !== undefined || tags[TAGS.lastCheckpoint] !== undefined || (tags[TAGS.onlyHere] ?? '0') !== '0'

/**
 * null: not known. It was counted at a stop, and holds as long as nobody has started the instance since. A tag can be written by anyone: what is
 * no count says nothing.
 */
function onlyHere({launchedAt, tags}: Instance): number | null {
  const isOfLastTime = launchedAt !== null && tags[TAGS.onlyHereOf] === launchedAt
  return isOfLastTime && /^\d{1,9}$/.test(tags[TAGS.onlyHere] ?? '') ? Number(tags[TAGS.onlyHere]) : null
}
