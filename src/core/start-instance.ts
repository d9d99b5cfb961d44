import {TAGS, type Instance} from '../model/instance.js'
import {checkBudget, type BudgetTerms} from './check-budget.js'
import {findInstance, notRunning} from './find-instance.js'
import {resourceRow, type ResourceRow} from './list-resources.js'
import type {PlatformDeps} from './platform-deps.js'
import {step} from './progress.js'
import {RunningNote} from './running-note.js'
import {waitForInstance} from './wait-for-instance.js'

export interface StartInput {
  readonly instanceId: string
  /** The budget that it is held against, before it is started; absent: none. */
  readonly budget?: BudgetTerms
  readonly wait: boolean
  readonly timeoutMs: number
}

export interface StartResult {
  readonly instance: ResourceRow
  /** False where it ran (or was on its way) already. */
  readonly changed: boolean
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
  const tags = changed && input.budget ? await tagsByBudget(instance, input.budget, note, deps) : {}
  if (changed) await deps.lifecycle.run('prestart', {instance})
  try {
    if (changed) {
      // Before the start: an override that could not be recorded was none.
      if (Object.keys(tags).length > 0) await deps.provider.setTags(input.instanceId, tags, {signal: deps.signal})
      instance = await step(deps.progress, 'start', `Start ${instance.id}`, () => deps.provider.startInstance(input.instanceId, {signal: deps.signal}))
    }
    note.leave([`runctl ${instance.platform} stop ${instance.id}`])
    if (input.wait) {
      const after = instance
      instance = await step(deps.progress, 'wait', `Wait until ${instance.id} answers`, () =>
        waitForInstance({instanceId: input.instanceId, until: 'running', timeoutMs: input.timeoutMs, after}, deps))
    }
  } catch (error) {
    throw await note.priced(error)
  }
  if (changed) await deps.lifecycle.run('poststart', {instance})
  return {instance: await resourceRow(instance, deps, await note.price), changed}
}

/** The tags that tell of a budget that was overridden. It counts for the project that the machine was made for. */
const tagsByBudget = (instance: Instance, budget: BudgetTerms, note: RunningNote, deps: PlatformDeps): Promise<Readonly<Record<string, string>>> => checkBudget({
  project: instance.tags[TAGS.project] ?? null,
  wanted: async () => ({count: 1, usdPerHour: (await note.price)?.usdPerHour ?? null, maxHours: null, maxUsd: null}),
}, budget, deps)
