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
  return {instance: await resourceRow(instance, deps, await note.price), changed}
}
