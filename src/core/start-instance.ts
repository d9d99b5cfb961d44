import type {Wanted} from '../model/budget.js'
import {isRunctlError} from '../model/errors.js'
import {TAGS, type Instance} from '../model/instance.js'
import {limitsOf, type LimitsState, type LimitWish} from '../model/limits.js'
import {checkBudget, type BudgetTerms} from './check-budget.js'
import {costTagsAtStart} from './cost-tags.js'
import {findInstance, notRunning} from './find-instance.js'
import {tellLaunch} from './launch-line.js'
import {resourceRow, type ResourceRow} from './list-resources.js'
import type {PlatformDeps} from './platform-deps.js'
import {step} from './progress.js'
import {RunningNote} from './running-note.js'
import {keepsLimits, setLimits} from './set-limits.js'
import {waitForInstance} from './wait-for-instance.js'

export interface StartInput {
  readonly instanceId: string
  /** The budget that it is held against, before it is started; absent: none. */
  readonly budget?: BudgetTerms
  readonly wait: boolean
  readonly timeoutMs: number
  /** With `wait`: set once it answers. Absent: nothing is said of limits, because a training follows that does. */
  readonly limits?: LimitWish
  /** What that training says of them. */
  readonly laterLimits?: LimitWish
}

export interface StartResult {
  readonly instance: ResourceRow
  /** False where it ran (or was on its way) already. */
  readonly changed: boolean
  /** When it stops itself; null: nothing does that, or it was not asked. */
  readonly limits: LimitsState | null
}

export async function startInstance(input: StartInput, deps: PlatformDeps): Promise<StartResult> {
  let instance = await findInstance(input.instanceId, deps)
  if (instance.state === 'stopping') {
    instance = await step(deps.progress, 'stopping', `Wait until ${instance.id} has stopped`, () =>
      waitForInstance({instanceId: input.instanceId, until: 'stopped', timeoutMs: input.timeoutMs}, deps))
  }
  if (instance.state === 'shutting-down' || instance.state === 'terminated') throw notRunning(instance)
  const changed = instance.state !== 'running' && instance.state !== 'pending'
  const note = new RunningNote(instance, deps)
  const overBudget = changed && input.budget ? await tagsByBudget(instance, {...input, budget: input.budget}, note, deps) : {}
  if (changed) await deps.lifecycle.run('prestart', {instance})
  // Before the start: an override that could not be recorded was none.
  if (Object.keys(overBudget).length > 0) await deps.provider.setTags(input.instanceId, overBudget, {signal: deps.signal})
  let limits: LimitsState | null = null
  const tags = changed ? recordCostSoFar(instance, note, deps) : Promise.resolve({})
  // Waited for below; until then a rejection (Ctrl-C) must not be one that nobody handles.
  tags.catch(() => undefined)
  try {
    if (changed) {
      instance = await step(deps.progress, 'start', `Start ${instance.id}`, () => deps.provider.startInstance(input.instanceId, {signal: deps.signal}))
    }
    note.leave([`runctl ${instance.platform} stop ${instance.id}`])
    if (input.wait) {
      const after = instance
      instance = await step(deps.progress, 'wait', `Wait until ${instance.id} answers`, () =>
        waitForInstance({instanceId: input.instanceId, until: 'running', timeoutMs: input.timeoutMs, after}, deps))
      if (input.limits) limits = await setLimits(input.limits, instance, note.price, deps)
    }
  } catch (error) {
    throw await note.priced(error)
  }
  if (input.limits) tellLaunch(instance, await note.price, limits ?? (keepsLimits(instance) && !input.wait ? 'unasked' : null), deps)
  if (changed) await deps.lifecycle.run('poststart', {instance})
  return {instance: await resourceRow({...instance, tags: {...instance.tags, ...(await tags)}}, deps, await note.prices), changed, limits}
}

/** The tags that tell of a budget that was overridden. It counts for the project that the machine was made for. */
function tagsByBudget(instance: Instance, input: StartInput & {readonly budget: BudgetTerms}, note: RunningNote, deps: PlatformDeps): Promise<Readonly<Record<string, string>>> {
  const wish = input.wait ? (input.limits ?? input.laterLimits) : undefined
  // How much is left of limits that it keeps already, only it knows: they count as none.
  const {max_seconds: seconds = null, max_usd: maxUsd = null} = wish ? (keepsLimits(instance) ? wish.set : limitsOf(wish)) : {}
  const wanted = async (): Promise<Wanted> => ({count: 1, usdPerHour: (await note.price)?.usdPerHour ?? null, maxHours: seconds === null ? null : seconds / 3600, maxUsd})
  return checkBudget({project: instance.tags[TAGS.project] ?? null, wanted}, input.budget, deps)
}

/** What it has cost up to now stays known at its price, whatever it runs as from now on. A platform that refuses a tag does not undo the start. */
async function recordCostSoFar(instance: Instance, note: RunningNote, deps: PlatformDeps): Promise<Instance['tags']> {
  const tags = costTagsAtStart(instance, await note.prices, deps.clock.now())
  if (Object.keys(tags).length === 0) return {}
  try {
    await deps.provider.setTags(instance.id, tags, {signal: deps.signal})
    return tags
  } catch (error) {
    if (!isRunctlError(error)) throw error
    deps.progress.emit({type: 'warning', message: `the tags of ${instance.id} do not say what it has cost before this start: ${error.message}`})
    return {}
  }
}
