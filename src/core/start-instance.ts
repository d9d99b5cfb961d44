import type {Instance} from '../model/instance.js'
import {isRunctlError} from '../model/errors.js'
import {costTagsAtStart} from './cost-tags.js'
import {findInstance, notRunning} from './find-instance.js'
import {resourceRow, type ResourceRow} from './list-resources.js'
import type {PlatformDeps} from './platform-deps.js'
import {step} from './progress.js'
import {RunningNote} from './running-note.js'
import {waitForInstance} from './wait-for-instance.js'

export interface StartInput {
  readonly instanceId: string
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
  if (changed) await deps.lifecycle.run('prestart', {instance})
  const note = new RunningNote(instance, deps)
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
    }
  } catch (error) {
    throw await note.priced(error)
  }
  if (changed) await deps.lifecycle.run('poststart', {instance})
  return {instance: await resourceRow({...instance, tags: {...instance.tags, ...(await tags)}}, deps, await note.prices), changed}
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
