import {isRunctlError, RunctlError} from '../model/errors.js'
import {TAGS, type Instance} from '../model/instance.js'
import type {CreateInstanceRequest, CreateOption} from '../providers/provider.js'
import {isWish, type LimitsState, type LimitWish} from '../model/limits.js'
import type {BudgetTerms} from './check-budget.js'
import {tagsByBudget} from './create-budget.js'
import type {JournalEntry} from './create-journal.js'
import {newLimits, type NewLimits} from './create-limits.js'
import {tellLaunch} from './launch-line.js'
import {resourceRow, type ResourceRow} from './list-resources.js'
import type {PlatformDeps} from './platform-deps.js'
import {step} from './progress.js'
import {RunningNote} from './running-note.js'
import {setLimits} from './set-limits.js'
import {waitForInstance} from './wait-for-instance.js'

export interface CreateInput {
  /** At most 64 ASCII characters; of several instances each gets `-1`, `-2`, … behind it. */
  readonly requestId: string
  /** The key is the user's own: it is used as it is, and the journal has no say. */
  readonly isOwnKey?: boolean
  readonly name: string | null
  readonly instanceType: string | null
  /** What only this platform knows. */
  readonly options?: Readonly<Record<string, CreateOption>>
  readonly project: string | null
  readonly owner: string
  readonly version: string
  /** The budget that it is held against, before anything is made; absent: none. */
  readonly budget?: BudgetTerms
  /** Limits that it keeps by itself from its first second. */
  readonly limits?: LimitWish
  readonly wait: boolean
  readonly timeoutMs: number
}

export interface CreateResult {
  readonly instance: ResourceRow
  /** When it stops itself; null: nothing does that. */
  readonly limits: LimitsState | null
}

/** One of several. `instanceId`: of one that exists although something failed; it may be running. */
export type CreateOutcome = CreateResult | {readonly instanceId: string | null; readonly error: unknown}

/** Creates one instance with its tags. Nothing is billed before `precreate` steps have agreed. */
export async function createInstance(input: CreateInput, deps: PlatformDeps): Promise<CreateResult> {
  const [outcome] = await createInstances(input, 1, deps)
  if (outcome && 'instance' in outcome) return outcome
  throw outcome?.error
}

/** Creates several at once. One that fails does not keep the others from being made. */
export async function createInstances(input: CreateInput, count: number, deps: PlatformDeps): Promise<readonly CreateOutcome[]> {
  const limits = input.limits ? await newLimits(input.limits, createRequest(input), deps) : null
  const fresh = count === 1 ? [input.requestId] : Array.from({length: count}, (_, at) => `${input.requestId}-${at + 1}`)
  const entry = input.isOwnKey ? null : await deps.createJournal.begin({...facts(input), count}, fresh)
  if (entry?.resumedFrom) {
    deps.progress.emit({type: 'note', message: `the same create was cut off at ${entry.resumedFrom}: what it may have made is used, and no second one is made`})
  }
  const requestIds = entry?.requestIds ?? fresh
  const tags = await tagsByBudget(input, createRequest(input, limits), {count, limits, requestIds}, deps).catch(async (error: unknown) => {
    // What was cut off before may have made a machine: its key is kept, and finds it for an hour.
    if (entry?.resumedFrom === null) await entry.settle()
    throw error
  })
  let unanswered = count
  const onAnswer = async (): Promise<void> => {
    unanswered--
    if (unanswered === 0) await entry?.settle()
  }
  const outcomes = await Promise.all(requestIds.map(async (requestId, at) =>
    createOne({...input, requestId}, {entry, limits, tags, onAnswer, stepSuffix: count === 1 ? '' : `-${at + 1}`}, deps)))
  deps.signal.throwIfAborted()
  return outcomes
}

/** What `createInstance` is asked for this input. */
export function createRequest(input: CreateInput, limits: NewLimits | null = null, tags: Readonly<Record<string, string>> = {}): CreateInstanceRequest {
  return {
    requestId: input.requestId,
    ...(input.name === null ? {} : {name: input.name}),
    ...(input.instanceType === null ? {} : {instanceType: input.instanceType}),
    ...(input.options && Object.keys(input.options).length > 0 ? {options: input.options} : {}),
    tags: {
      [TAGS.createdBy]: input.version,
      [TAGS.createRequest]: input.requestId,
      [TAGS.owner]: input.owner,
      ...(input.project === null ? {} : {[TAGS.project]: input.project}),
      ...limits?.tags,
      ...tags,
    },
    ...(limits ? {limits: limits.first} : {}),
  }
}

const facts = ({instanceType, limits, name, options = {}, owner, project}: CreateInput) =>
  ({name, instanceType, options, owner, project, ...(limits && isWish(limits) ? {limits} : {})})

interface Attempt {
  readonly entry: JournalEntry | null
  readonly limits: NewLimits | null
  /** To be called once it is certain what became of the request, whether it was granted, refused or never made. */
  readonly onAnswer: () => Promise<void>
  readonly stepSuffix: string
  /** What is recorded in further tags. */
  readonly tags: Readonly<Record<string, string>>
}

async function createOne(input: CreateInput, attempt: Attempt, deps: PlatformDeps): Promise<CreateOutcome> {
  let made: Instance | null = null
  try {
    const asked = createRequest(input, attempt.limits, attempt.tags)
    await deps.lifecycle.run('precreate', {request: asked}).catch(async (error: unknown) => {
      await attempt.onAnswer()
      throw error
    })
    made = await step(
      deps.progress, `create${attempt.stepSuffix}`, `Create an instance on ${deps.provider.name}`,
      async () => ask(input, attempt, deps),
      instance => instance.id,
    )
    return await settleIn(made, input, attempt, deps)
  } catch (error) {
    return {instanceId: made?.id ?? null, error}
  }
}

/** The key of a create that was cut off may belong to an instance that has been terminated since: then a new one is asked for. */
async function ask(input: CreateInput, {entry, limits, onAnswer, tags}: Attempt, deps: PlatformDeps): Promise<Instance> {
  const trace = `request ${input.requestId}`
  deps.footprint.note(trace, {
    stillRunning: `perhaps a new instance on ${deps.provider.name}: it was being created`,
    next: [`runctl resources list --platform ${deps.provider.name}`, ...(entry ? ['the same command again within an hour: it finds that instance and makes no second one'] : [])],
  })
  const create = (asked: CreateInput): Promise<Instance> => deps.provider.createInstance(createRequest(asked, limits, tags), {signal: deps.signal})
  try {
    let instance = await create(input)
    if (isGone(instance) && !entry) throw goneBefore(instance, input)
    if (isGone(instance) && entry && entry.resumedFrom !== null) instance = await create({...input, requestId: await entry.replace(input.requestId)})
    deps.footprint.forget(trace)
    await onAnswer()
    return instance
  } catch (error) {
    if (isRefusal(error)) {
      deps.footprint.forget(trace)
      await onAnswer()
    }
    throw error
  }
}

async function settleIn(created: Instance, input: CreateInput, {limits: asked, stepSuffix}: Attempt, deps: PlatformDeps): Promise<CreateResult> {
  const note = new RunningNote(created, deps)
  note.leave([`runctl ${created.platform} stop ${created.id}`, `runctl ${created.platform} terminate ${created.id}`])
  try {
    const instance = input.wait
      ? await step(deps.progress, `wait${stepSuffix}`, `Wait until ${created.id} answers`, () =>
          waitForInstance({instanceId: created.id, until: 'running', timeoutMs: input.timeoutMs, after: created}, deps))
      : created
    // Limits hold already; whoever waits gets the machine's own word for it.
    const limits = asked && input.wait ? await setLimits(asBorn(asked.wish), instance, note.price, deps) : (asked?.state ?? null)
    const price = await note.price
    tellLaunch(instance, price, limits, deps, stepSuffix !== '')
    await deps.lifecycle.run('postcreate', {instance})
    return {instance: await resourceRow(instance, deps, await note.prices), limits}
  } catch (error) {
    throw await note.priced(error)
  }
}

/** What it was born with is not counted anew; what its platform did not lay down is set. */
const asBorn = ({defaults, overrun_s, set}: LimitWish): LimitWish => ({set: {}, defaults: {...defaults, ...set}, overrun_s})

const isGone = ({state}: Instance): boolean => state === 'shutting-down' || state === 'terminated'

/** The platform has said no, or was never asked. Silence, an outage and a lost connection say nothing of whether it was done. */
function isRefusal(error: unknown): boolean {
  if (!isRunctlError(error)) return false
  if (error.details['delivered'] === false) return true
  return error.details['uncertain'] !== true && !['timed_out', 'unreachable'].includes(error.code)
}

function goneBefore(instance: Instance, {requestId}: CreateInput): RunctlError {
  return new RunctlError('wrong_state', `the request id ${requestId} has made ${instance.id} before, and that is ${instance.state}: give another one`, {
    next: [`runctl ${instance.platform} create`],
    details: {instance_id: instance.id, state: instance.state},
  })
}
