import {RunctlError} from '../model/errors.js'
import {INSTANCE_STATES, TAGS} from '../model/instance.js'
import {RUN_ID_PATTERN} from '../model/run.js'
import {listInstances} from './list-resources.js'
import type {PlatformDeps} from './platform-deps.js'
import {readStoredRun, type StoreDeps} from './stored-checkpoints.js'
import type {StoredRun} from './stored-record.js'
import {mapConcurrently} from './sync/map-concurrently.js'

export interface WhereToLook {
  /** Given by the user, instead of all others. */
  readonly from: string | null
  readonly defaultOutput: string | null
  /** Of the configuration: looked into first. */
  readonly projectName: string
}

/** The places in the store where runs of this platform write to: what was given, else the configured one and those that the tags of its instances name. */
export async function knownOutputs({defaultOutput, from}: Pick<WhereToLook, 'defaultOutput' | 'from'>, {provider, signal}: Pick<PlatformDeps, 'provider' | 'signal'>): Promise<readonly string[]> {
  const {store} = provider
  if (!store) return []
  const tagged = from === null ? (await listInstances(INSTANCE_STATES, {provider, signal})).map(({tags}) => tags[TAGS.output]) : []
  const all = from === null ? [defaultOutput, ...tagged] : [from]
  return [...new Set(all.flatMap(output => (output?.startsWith(`${store.scheme}://`) ? [output.replace(/\/+$/, '')] : [])))]
}

/** The prefix of a run below one of the outputs: `s3://bucket/prefix/PROJECT/RUN-ID/`. null where it is below none of them. */
export async function findStoredRun(runId: string, outputs: readonly string[], projectName: string, deps: StoreDeps): Promise<string | null> {
  if (!RUN_ID_PATTERN.test(runId)) throw new RunctlError('bad_input', `${JSON.stringify(runId)} is not a run id`, {next: ['runctl run list']})
  for (const output of outputs) {
    // Most often it is in the project that one stands in, or the address is that of the project or of the run itself.
    const likely = [`${output}/${projectName}/${runId}/`, `${output}/${runId}/`, ...(output.endsWith(`/${runId}`) ? [`${output}/`] : [])]
    const found = await firstWith(likely, deps)
    if (found !== null) return found
    const elsewhere: string[] = []
    for await (const folder of deps.store.folders?.(`${output}/`, {signal: deps.signal}) ?? []) elsewhere.push(`${folder}${runId}/`)
    const there = await firstWith(elsewhere, deps)
    if (there !== null) return there
  }
  return null
}

/** The first prefix with anything below it. */
async function firstWith(prefixes: readonly string[], {signal, store}: StoreDeps): Promise<string | null> {
  const has = await mapConcurrently(prefixes, 16, async prefix => {
    for await (const _ of store.list(prefix, {signal})) return true
    return false
  })
  return prefixes[has.indexOf(true)] ?? null
}

/** What a run's run.json says, wherever it is. Rejects with `not_found`, `verification_failed`. */
export async function storedRunOf(prefix: string, deps: StoreDeps): Promise<StoredRun> {
  const run = await readStoredRun(prefix, deps)
  if (run) return run
  throw new RunctlError('verification_failed', `${prefix}run.json is not there, or does not say how the run was begun`, {next: [`runctl checkpoint list ${prefix}`]})
}
