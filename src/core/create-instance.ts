import {TAGS} from '../model/instance.js'
import type {CreateInstanceRequest} from '../providers/provider.js'
import {hourlyPrice, stillRunningSentence} from './instance-cost.js'
import {resourceRow, type ResourceRow} from './list-resources.js'
import type {PlatformDeps} from './platform-deps.js'
import {step} from './progress.js'
import {waitForInstance} from './wait-for-instance.js'

export interface CreateInput {
  readonly requestId: string
  readonly name: string | null
  readonly instanceType: string | null
  readonly project: string | null
  readonly owner: string
  readonly version: string
  readonly wait: boolean
  readonly timeoutMs: number
}

export interface CreateResult {
  readonly instance: ResourceRow
}

/** Creates one instance with its tags. Nothing is billed before `precreate` steps have agreed. */
export async function createInstance(input: CreateInput, deps: PlatformDeps): Promise<CreateResult> {
  const request: CreateInstanceRequest = {
    requestId: input.requestId,
    ...(input.name === null ? {} : {name: input.name}),
    ...(input.instanceType === null ? {} : {instanceType: input.instanceType}),
    tags: {
      [TAGS.createdBy]: input.version,
      [TAGS.createRequest]: input.requestId,
      [TAGS.owner]: input.owner,
      ...(input.project === null ? {} : {[TAGS.project]: input.project}),
    },
  }
  await deps.lifecycle.run('precreate', {request})
  const created = await step(
    deps.progress, 'create', `Create an instance on ${deps.provider.name}`,
    () => deps.provider.createInstance(request, {signal: deps.signal}),
    instance => instance.id,
  )
  const price = await hourlyPrice(created, deps)
  deps.footprint.note(created.id, {
    stillRunning: stillRunningSentence(created, price),
    next: [`runctl ${created.platform} stop ${created.id}`, `runctl ${created.platform} terminate ${created.id}`],
  })
  const instance = input.wait
    ? await step(deps.progress, 'wait', `Wait until ${created.id} answers`, () =>
        waitForInstance({instanceId: created.id, until: 'running', timeoutMs: input.timeoutMs}, deps))
    : created
  await deps.lifecycle.run('postcreate', {instance})
  return {instance: await resourceRow(instance, deps)}
}
