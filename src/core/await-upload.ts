import type {RunStatus, UploadState} from '../agent/protocol.js'
import type {Instance} from '../model/instance.js'
import {orUnknown} from './or-unknown.js'
import type {PlatformDeps} from './platform-deps.js'
import {step} from './progress.js'

/** So long nothing may arrive before it is said that it does not: a token is fetched, a part sent again. Less where something is wrong already. */
const PATIENCE_MS = 20_000
const PATIENCE_WITH_ERROR_MS = 5000
const POLL_MS = 1000

type Deps = Pick<PlatformDeps, 'agent' | 'clock' | 'progress' | 'signal'>

/**
 * A run has ended: waits until what it wrote is where it was told to go, for as long as something arrives there. Resolves to the run as it is
 * then. What is still lacking is a warning: the training has succeeded all the same, and the instance goes on trying while it runs.
 */
export async function awaitUpload(run: RunStatus, instance: Instance, deps: Deps): Promise<RunStatus> {
  if (run.output_uri === null || !lacks(run.upload)) return run
  const uri = run.output_uri
  const last = await step(deps.progress, 'upload', `Wait until all of it is in ${uri}`, () => untilThere(run, instance, deps), ({upload}) => arrived(upload))
  if (lacks(last.upload)) {
    const {error, pending} = last.upload
    deps.progress.emit({
      type: 'warning',
      message: `${pending} file(s) of ${run.run_id} are not in ${uri} yet${error === null ? '' : `: ${error}`}; they are on ${instance.id}, which goes on trying while it runs`,
    })
  }
  return last
}

const lacks = (upload: UploadState | null): upload is UploadState => upload !== null && upload.pending > 0
const arrived = (upload: UploadState | null): string => `${upload?.done ?? 0} files there`

async function untilThere(run: RunStatus, instance: Instance, deps: Deps): Promise<RunStatus> {
  let last = run
  let since = deps.clock.now().getTime()
  while (lacks(last.upload) && deps.clock.now().getTime() - since < (last.upload.error === null ? PATIENCE_MS : PATIENCE_WITH_ERROR_MS)) {
    await deps.clock.sleep(POLL_MS, deps.signal)
    const next = await askAgain(run.run_id, instance, deps)
    if (!next) return last
    if (next.upload?.done !== last.upload.done || next.upload.pending_bytes !== last.upload.pending_bytes) since = deps.clock.now().getTime()
    last = next
  }
  return last
}

/** null where the instance does not answer: the training has ended, and how is known. */
async function askAgain(runId: string, instance: Instance, deps: Deps): Promise<RunStatus | null> {
  const answer = await orUnknown(() => deps.agent(instance.id).call('status', {run_id: runId}, {signal: deps.signal}))
  return answer?.runs[0] ?? null
}
