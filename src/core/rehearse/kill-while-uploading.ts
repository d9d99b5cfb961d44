import type {RunStatus} from '../../agent/protocol.js'
import {RunctlError} from '../../model/errors.js'
import type {RehearsalStore} from '../../providers/provider.js'
import type {Attempt} from './attempt.js'
import {listAll, type Deed} from './deed.js'
import type {Drill} from './drill.js'

const POLL_MS = 200

/**
 * Waits for a checkpoint to be half uploaded, loses the machine in that moment, and makes another one. Where nothing is verified in the store yet, a first
 * checkpoint is let through: what is to be seen is whether the training goes on from there. The uploads of a script that has just ended count, too.
 */
export async function killWhileUploading(attempt: Attempt, drill: Drill): Promise<Deed | null> {
  const {rehearsalStore} = drill
  if (!rehearsalStore) throw new RunctlError('bad_input', 'this platform has no store for a rehearsal')
  const cut = cutInTheMiddle(attempt, drill, rehearsalStore)
  // Told below; until it is asked a rejection must not be one that nobody handles.
  cut.done.catch(() => undefined)
  while (!cut.begun() && !isIdle(await lookAt(attempt, drill))) {
    drill.checkTime()
    await drill.deps.clock.sleep(POLL_MS, drill.deps.signal)
  }
  const lost = cut.begun() ? await cut.done : await lose(attempt, drill, 'lost for good; no upload of a checkpoint was under way')
  cut.callOff()
  await attempt.over
  return {...lost, instanceId: await drill.createInstance()}
}

type Lost = Pick<Deed, 'did'> & Required<Pick<Deed, 'atMs' | 'listing'>>

/** As it is now; the uploads of a run that has ended go on. */
async function lookAt({instanceId, run}: Attempt, {deps}: Drill): Promise<RunStatus> {
  const {runs: [now]} = await deps.agent(instanceId).call('status', {run_id: run.run_id}, {signal: deps.signal})
  return now ?? run
}

const isIdle = ({state, upload}: RunStatus): boolean => state === 'stopped' && (upload === null || upload.pending === 0 || upload.error !== null)

function cutInTheMiddle(attempt: Attempt, drill: Drill, rehearsal: RehearsalStore): {readonly begun: () => boolean; readonly done: Promise<Lost>; readonly callOff: () => void} {
  let begun = false
  let resolve: (lost: Lost) => void = () => undefined
  let reject: (error: unknown) => void = () => undefined
  const done = new Promise<Lost>((...both) => ([resolve, reject] = both))
  const arm = (): void => rehearsal.onceHalfWay(1, async uri => {
    const isCheckpoint = uri.includes('/checkpoints/') && !uri.endsWith('.manifest.json')
    if (!isCheckpoint || !(await hasManifest(rehearsal.store, attempt.output))) return arm()
    begun = true
    const lost = lose(attempt, drill, `lost for good while ${uri.slice(uri.indexOf('/checkpoints/') + 1)} was half uploaded`)
    lost.then(resolve, reject)
    await lost
    // Nobody is there any more to send the rest.
    throw new Error('the instance is gone')
  })
  arm()
  return {begun: () => begun, done, callOff: () => rehearsal.onceHalfWay(Infinity, () => Promise.resolve())}
}

async function hasManifest(store: RehearsalStore['store'], root: string | null): Promise<boolean> {
  if (root === null) return false
  for await (const {uri} of store.list(root)) if (uri.endsWith('.manifest.json')) return true
  return false
}

async function lose(attempt: Attempt, drill: Drill, how: string): Promise<Lost> {
  const listing = await listAll(attempt, drill)
  const atMs = drill.nowMs
  await drill.removeInstance(attempt.instanceId)
  return {did: `the instance was ${how}; another one goes on from the store`, atMs, listing}
}
