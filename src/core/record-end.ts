import type {SaveResult} from '../hooks/events.js'
import type {Checkpoint} from '../model/checkpoint.js'
import {isRunctlError} from '../model/errors.js'
import {TAGS, type Instance} from '../model/instance.js'
import {checkpointTag} from './checkpoint-tag.js'
import {costTagsAtEnd} from './cost-tags.js'
import type {EndInput} from './end-input.js'
import type {InstancePrices} from './instance-cost.js'
import {orUnknown} from './or-unknown.js'
import type {PlatformDeps} from './platform-deps.js'
import {step} from './progress.js'

/** What is only recorded never keeps the machine running: refused tags are a warning. */
export async function recordEnd(saved: SaveResult, instance: Instance, prices: Promise<InstancePrices>, input: EndInput, deps: PlatformDeps): Promise<void> {
  try {
    await step(deps.progress, 'record', 'Record it in the tags', async () => {
      const [last, known] = await Promise.all([lastOf(instance.id, saved, deps), prices])
      const tags = {...tagsOf(saved, instance, last), ...costTagsAtEnd(instance, known, deps.clock.now())}
      await deps.provider.setTags(instance.id, tags, {signal: deps.signal})
    })
  } catch (error) {
    if (deps.signal.aborted || !(input.force || isRunctlError(error))) throw error
    const why = error instanceof Error ? error.message : String(error)
    const copies = saved.only_here.length
    const risk = copies === 0 || input.kind === 'terminate' ? '' : `; a terminate will not know of the ${copies} checkpoint(s) that are on its disk alone`
    deps.progress.emit({type: 'warning', message: `the tags of ${instance.id} do not say what was saved: ${why}${risk}`})
  }
}

/** The latest good one is in every answer: of the others few are fetched. */
const LATEST_ALONE_BYTES = 6000

interface Last {
  readonly runId: string | null
  readonly project: string | null
  readonly checkpoint: Checkpoint | null
}

/**
 * What the save reported. Where nothing was asked because nothing ran: the newest run, and the latest good checkpoint of its project. The agent says
 * so in the same answer; where another step has saved, both questions go at once.
 */
async function lastOf(instanceId: string, saved: SaveResult, deps: PlatformDeps): Promise<Last> {
  const reported = saved.reports.findLast(report => report.checkpoint !== null)
  if (reported) return {runId: reported.run_id, project: null, checkpoint: reported.checkpoint}
  const runId = saved.reports.at(-1)?.run_id ?? null
  if (saved.last !== undefined) return {runId: runId ?? saved.last?.run_id ?? null, project: saved.last?.project ?? null, checkpoint: saved.last?.checkpoint ?? null}
  const agent = deps.agent(instanceId)
  const call = {signal: deps.signal}
  // No run at all, most often; and what is only recorded must not keep the machine running.
  const [newest, listing] = await Promise.all([
    orUnknown(() => agent.call('status', {all: true, limit: 1}, call)),
    orUnknown(() => agent.call('checkpoints', {max_bytes: LATEST_ALONE_BYTES}, call)),
  ])
  const run = newest?.runs[0]
  return {runId: runId ?? run?.run_id ?? null, project: run?.project ?? null, checkpoint: listing?.latest_good ?? null}
}

function tagsOf(saved: SaveResult, {launchedAt}: Instance, {checkpoint, project, runId}: Last): Record<string, string> {
  const tags: Record<string, string> = {[TAGS.stateReason]: 'user'}
  // Where nobody could ask, what the disk holds is not known, and 0 would be a licence to remove it.
  if (saved.ok || saved.reports.length > 0 || saved.only_here.length > 0) {
    tags[TAGS.onlyHere] = String(saved.only_here.length)
    if (launchedAt !== null) tags[TAGS.onlyHereOf] = launchedAt
  }
  if (runId) tags[TAGS.lastRun] = runId
  if (project) tags[TAGS.project] = project
  if (checkpoint) tags[TAGS.lastCheckpoint] = checkpointTag(checkpoint)
  return tags
}
