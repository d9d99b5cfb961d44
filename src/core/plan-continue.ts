import path from 'node:path'

import type {RunStatus} from '../agent/protocol.js'
import {isRunctlError, RunctlError} from '../model/errors.js'
import {TAGS, type Instance} from '../model/instance.js'
import {isActive} from '../model/run.js'
import {findRunningInstance} from './find-instance.js'
import {findStoredRun, knownOutputs, storedRunOf, type WhereToLook} from './find-stored-run.js'
import type {PlatformDeps} from './platform-deps.js'
import {storedRunPrefixes} from './stored-checkpoints.js'
import type {RunFacts} from './stored-record.js'

export interface ContinueInput extends WhereToLook {
  readonly instanceId: string
  /** null: the newest one of the instance; where nothing was run there, the newest of the project in the store. */
  readonly runId: string | null
  /** A path on the instance, an address in the store, or null: the latest good one. */
  readonly checkpoint: string | null
}

/** How a run was begun, as far as it was kept, and what it goes on from. */
export interface Continuation {
  readonly run: RunFacts
  readonly script: string
  readonly args: readonly string[]
  readonly projectName: string
  /** Relative to the project folder where it was inside: another instance has another home. */
  readonly checkpointDir: string
  readonly outputDir: string
  /** Without project and run; null where it had none. */
  readonly output: string | null
  readonly resume: string
  /** The code of that run lies on this instance: nothing need be sent. */
  readonly isSameInstance: boolean
}

type Deps = Pick<PlatformDeps, 'agent' | 'provider' | 'signal'>

/** Reads how the run was begun: from the instance, else from its run.json in the store. Changes nothing. Rejects with `not_found`, `wrong_state`. */
export async function planContinue(input: ContinueInput, deps: Deps): Promise<Continuation> {
  const instance = await findRunningInstance(input.instanceId, deps)
  const onInstance = await askRun(input.runId, instance, deps)
  const run = onInstance ?? (await runInStore(input, instance, deps))
  if (onInstance && isActive(onInstance)) {
    throw new RunctlError('run_active', `${run.run_id} is ${run.state}: there is nothing to resume`, {
      next: [`runctl ${instance.platform} monitor ${instance.id} --follow`, `runctl run stop ${run.run_id}`],
      details: {run_id: run.run_id, instance_id: instance.id},
    })
  }
  return {
    run,
    script: run.script,
    args: run.args,
    projectName: run.project,
    checkpointDir: withinProject(run.checkpoint_dir, run),
    outputDir: withinProject(run.output_dir, run),
    output: outputOf(run),
    resume: input.checkpoint ?? latestOf(run, onInstance, input.runId !== null),
    isSameInstance: onInstance !== null,
  }
}

async function askRun(runId: string | null, {id}: Instance, deps: Deps): Promise<RunStatus | null> {
  try {
    const {runs} = await deps.agent(id).call('status', runId === null ? {all: true, limit: 1} : {run_id: runId}, {signal: deps.signal})
    return runs[0] ?? null
  } catch (error) {
    if (isRunctlError(error) && error.code === 'not_found') return null
    throw error
  }
}

async function runInStore(input: ContinueInput, instance: Instance, {provider, signal}: Deps): Promise<RunFacts> {
  const {store} = provider
  const outputs = await knownOutputs(input, {provider, signal})
  const nowhere = new RunctlError('not_found', `${input.runId === null ? `nothing was run on ${instance.id}, and no run of ${input.projectName} is` : `${instance.id} does not know ${input.runId}, and it is not`} in a store that is known`, {
    next: [`runctl checkpoint resume --instance-id ${instance.id} --run ${input.runId ?? 'RUN'} --from s3://BUCKET/PREFIX`, 'runctl run list'],
    details: {instance_id: instance.id, run_id: input.runId},
  })
  if (!store) throw nowhere
  const deps = {store, signal}
  if (input.runId !== null) {
    const prefix = await findStoredRun(input.runId, outputs, input.projectName, deps)
    if (prefix === null) throw nowhere
    return (await storedRunOf(prefix, deps)).facts
  }
  const project = instance.tags[TAGS.project] ?? input.projectName
  for (const output of outputs) {
    const [newest] = await storedRunPrefixes(output, project, deps)
    if (newest !== undefined) return (await storedRunOf(newest, deps)).facts
  }
  throw nowhere
}

/** Of a run that was named its own: a later one of the project is another training. One that saved nothing goes on from where it began. */
function latestOf({run_id}: RunFacts, onInstance: RunStatus | null, isNamed: boolean): string {
  if (onInstance === null) return run_id
  if (!isNamed) return 'latest'
  return onInstance.last_checkpoint === null ? (onInstance.resume_from ?? run_id) : run_id
}

function withinProject(folder: string, {project_dir}: RunFacts): string {
  const below = path.posix.relative(project_dir, folder)
  return below.startsWith('..') || path.posix.isAbsolute(below) ? folder : below || '.'
}

/** `s3://bucket/prefix/PROJECT/RUN-ID/` without its last two parts. */
function outputOf({output_uri, project, run_id}: RunFacts): string | null {
  const end = `/${project}/${run_id}/`
  return output_uri?.endsWith(end) ? output_uri.slice(0, -end.length) : null
}
