import type {RunStatus} from '../agent/protocol.js'
import type {Checkpoint} from '../model/checkpoint.js'
import {isRunctlError, RunctlError} from '../model/errors.js'
import {TAGS, type Instance} from '../model/instance.js'
import {endCommand, forceCommand} from './end-input.js'
import type {PlatformDeps} from './platform-deps.js'
import {readCheckpoints} from './read-checkpoints.js'
import {readRuns} from './read-runs.js'

/** As many of the only copies the agent names at most. */
const MOST_NAMED = 20

const TERMINATE = {kind: 'terminate'} as const

/** Before anything is asked to leave: a terminate that would be refused after the save is refused while the training still runs. */
export async function refuseToLoseWork(instance: Instance, deps: PlatformDeps): Promise<void> {
  if (instance.state === 'running') await refuseWhileRunning(instance, deps)
  const left = readCount(instance.tags[TAGS.onlyHere])
  if (instance.state === 'stopped' && left > 0) {
    throw new RunctlError('save_failed', `the disk of ${instance.id} holds ${left < MOST_NAMED ? '' : 'at least '}${left} complete checkpoint(s) that are known to be nowhere else`, {
      next: [
        `runctl ${instance.platform} start ${instance.id} --wait`,
        `runctl checkpoint list --instance-id ${instance.id}`,
        forceCommand(instance, TERMINATE),
      ],
      details: {instance_id: instance.id, only_here: left},
    })
  }
}

async function refuseWhileRunning(instance: Instance, deps: PlatformDeps): Promise<void> {
  const agent = deps.agent(instance.id)
  const runs = await readRuns(agent, 50, deps.signal)
  const active = runs.filter(run => run.state !== 'stopped')
  // Where nothing runs, the save that follows ends nothing and says what is only here.
  if (active.length === 0) return
  for (const run of active) {
    const why = whyOnlyHere(run)
    if (why === null) continue
    throw new RunctlError('save_failed', `${run.run_id} is ${run.state}, and what it saves goes to the disk that terminate would remove${why}`, {
      next: [endCommand(instance, {kind: 'stop'}), forceCommand(instance, TERMINATE)],
      details: {instance_id: instance.id, run_id: run.run_id},
    })
  }
  const uploading = new Set(active.map(run => run.run_id))
  const others = (await knownCheckpoints(instance, deps)).filter(one => isOnlyHere(one, instance) && !uploading.has(one.run_id ?? ''))
  if (others.length > 0) throw onlyHere(instance, others.slice(-MOST_NAMED), runs)
}

/** null where a save reaches the store. */
function whyOnlyHere({output_uri, upload}: RunStatus): string | null {
  if (output_uri === null) return ''
  return upload?.error ? `: the upload to ${output_uri} fails (${upload.error})` : null
}

async function knownCheckpoints({id}: Instance, deps: PlatformDeps): Promise<readonly Checkpoint[]> {
  try {
    return (await readCheckpoints(deps.agent(id), {}, deps.signal)).checkpoints
  } catch (error) {
    // The save asks the same again, and takes no silence for an answer.
    if (isRunctlError(error)) return []
    throw error
  }
}

const isOnlyHere = ({places, state}: Checkpoint, {id}: Instance): boolean =>
  state === 'complete' && !places.some(({kind, verified_at, where}) => verified_at !== null && !(kind === 'instance' && where === id))

/** A tag can be written by anyone: what is no count is treated as absent. */
const readCount = (value: string | undefined): number => (/^\d{1,9}$/.test(value ?? '') ? Number(value) : 0)

export async function checkpointsOnlyHere(instance: Instance, checkpoints: readonly Checkpoint[], deps: PlatformDeps): Promise<RunctlError> {
  const runs = await readRuns(deps.agent(instance.id), 50, deps.signal)
  return onlyHere(instance, checkpoints, runs)
}

function onlyHere(instance: Instance, checkpoints: readonly Checkpoint[], runs: readonly RunStatus[]): RunctlError {
  const newest = checkpoints.at(-1)?.path ?? ''
  const projects = [...new Set(runs.map(run => run.project))]
  // The agent names the newest ones and stops at a number.
  const count = checkpoints.length < MOST_NAMED ? String(checkpoints.length) : `at least ${checkpoints.length}`
  return new RunctlError('save_failed', `${count} complete checkpoint(s) exist only on the disk of ${instance.id} (newest: ${newest}), which terminate would remove`, {
    next: [
      `runctl checkpoint list --instance-id ${instance.id}`,
      ...(projects.length > 1 ? projects.map(project => ` --project ${project}`) : [''])
        .map(which => `runctl ${instance.platform} pull ${instance.id} --checkpoints${which}`),
      endCommand(instance, TERMINATE),
      forceCommand(instance, TERMINATE),
    ],
    details: {instance_id: instance.id, only_here: checkpoints.map(checkpoint => checkpoint.path)},
  })
}
