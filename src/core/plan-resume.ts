import type {StartRequest} from '../agent/protocol.js'
import type {StoredCheckpoint} from '../model/checkpoint.js'
import {isRunctlError, RunctlError} from '../model/errors.js'
import {pathForShell} from '../model/quote-for-shell.js'
import {RUN_ID_PATTERN} from '../model/run.js'
import type {PlatformDeps} from './platform-deps.js'
import {isStoreUri} from './store-place.js'
import {listStoredBelow, listStoredRun, storedRunPrefixes, type StoreDeps} from './stored-checkpoints.js'

export interface ResumeInput {
  /** `latest`, a run id, an address in the store, or a path on the instance, as given. */
  readonly resume: string | null
  readonly projectName: string
  /** Where runs of this project write to in the store, without project and run; null: nowhere. */
  readonly output: string | null
}

export type ResumePlan = Pick<StartRequest, 'resume' | 'resume_access' | 'resume_stored'>

type Deps = Pick<PlatformDeps, 'provider' | 'signal'>

/** As many candidates travel with a start: should the newest turn out broken on the instance, the next one is there. */
const MOST_CANDIDATES = 5
/** Further back is looked only as long as nothing at all was found. */
const MOST_RUNS = 20

/**
 * What a start resumes from: the checkpoints on the instance are its own to judge; those in the store are read here. Rejects where the store cannot
 * be read: to go on from something older, unasked, is no help.
 */
export async function planResume(input: ResumeInput, deps: Deps): Promise<ResumePlan> {
  const {output, projectName, resume} = input
  const {signal} = deps
  const {name, store} = deps.provider
  if (resume === null) return {resume}
  if (isStoreUri(resume)) {
    if (!store || !resume.startsWith(`${store.scheme}://`)) {
      throw new RunctlError('bad_input', `instances of ${name} cannot resume from ${resume}: ${store ? `the platform's store has addresses like ${store.scheme}://BUCKET/PREFIX` : 'the platform has no object store'}`, {
        next: ['--resume PATH, of a checkpoint on the instance'],
      })
    }
    return {resume: null, resume_stored: [await thatOne(resume, {store, signal})], resume_access: await store.access()}
  }
  const isOfRun = RUN_ID_PATTERN.test(resume)
  if (resume !== 'latest' && !isOfRun) return {resume: resume.replace(/^instance:/, '')}
  if (!store || output === null) return {resume}
  try {
    const runs = isOfRun ? [`${output}/${projectName}/${resume}/`] : await storedRunPrefixes(output, projectName, {store, signal})
    const candidates = await newestCandidates(runs, {store, signal})
    return candidates.length === 0 ? {resume} : {resume, resume_stored: candidates, resume_access: await store.access()}
  } catch (error) {
    if (!isRunctlError(error)) throw error
    throw new RunctlError(error.code, `what there is to resume from in ${output} cannot be read, so nothing was started: ${error.message}`, {
      next: [...error.next, 'the same command with --resume PATH: resumes from that checkpoint on the instance, whatever is in the store'],
      details: error.details,
      cause: error,
    })
  }
}

async function newestCandidates(prefixes: readonly string[], deps: StoreDeps): Promise<readonly StoredCheckpoint[]> {
  const complete: StoredCheckpoint[] = []
  // Of a format that cannot be judged: the copy is known to be what was written, and no more.
  const unjudged: StoredCheckpoint[] = []
  for (const [at, prefix] of prefixes.entries()) {
    if (complete.length >= MOST_CANDIDATES || (at >= MOST_RUNS && complete.length + unjudged.length > 0)) break
    const {stored} = await listStoredRun(prefix, deps)
    complete.push(...stored.filter(({state}) => state === 'complete'))
    unjudged.push(...stored.filter(({state}) => state === 'unverified'))
  }
  const found = complete.length > 0 ? complete : unjudged
  return found.toSorted((a, b) => (a.modified_at < b.modified_at ? 1 : -1)).slice(0, MOST_CANDIDATES)
}

async function thatOne(uri: string, deps: StoreDeps): Promise<StoredCheckpoint> {
  const plain = uri.replace(/\/+$/, '')
  const {checkpoints, stored, warnings} = await listStoredBelow(plain, deps)
  const found = stored.find(one => one.uri === plain)
  if (found && (found.state === 'complete' || found.state === 'unverified')) return found
  const list = `runctl checkpoint list ${pathForShell(`${plain.slice(0, plain.lastIndexOf('/'))}/`)}`
  if (found) throw new RunctlError('verification_failed', `${plain} is ${found.state}: nothing was started`, {next: [list]})
  if (stored.length > 0) {
    throw new RunctlError('bad_input', `${plain} is no checkpoint but a place with ${stored.length} of them: name one`, {next: [...stored.slice(-3).map(one => `--resume ${pathForShell(one.uri)}`), list]})
  }
  const [one] = checkpoints
  if (!one) throw new RunctlError('not_found', `there is no checkpoint ${plain}`, {next: [list]})
  const why = warnings[0] ?? `it has no manifest (${plain}.manifest.json)`
  throw new RunctlError('verification_failed', `${plain} is not known to be whole: ${one.state_detail ?? why}${warnings[0] === undefined ? '' : `; ${warnings[0]}`}`, {
    next: [list, `runctl checkpoint pull ${pathForShell(plain)}`, '--resume PATH, once it is on the instance'],
    details: {uri: plain},
  })
}
