import {isRunctlError, RunctlError} from '../model/errors.js'
import type {Checkpoint, CheckpointPlace} from '../model/checkpoint.js'
import type {ObjectStore} from '../providers/provider.js'
import {inspectCheckpoint, type CheckpointAddress, type InspectDeps, type Inspection} from './inspect-checkpoint.js'
import {step, type Progress} from './progress.js'
import type {StoredFiles} from './stored-checkpoint.js'
import {readManifest} from './checkpoint-manifest.js'

/** What reading one checkpoint showed; also its JSON form. */
export interface VerifiedCheckpoint extends Pick<Checkpoint, 'format' | 'path' | 'sha256' | 'size_bytes' | 'state' | 'state_detail'> {
  readonly kind: CheckpointPlace['kind']
  /** The instance id, the bucket; null for this machine. */
  readonly where: string | null
  readonly ok: boolean
  /** Why not, in a sentence. */
  readonly why: string | null
  /** Whether every byte was read, or headers and tables alone. */
  readonly read: 'bytes' | 'tables'
  readonly bytes_read: number
  /** Each digest that is known of it: `recorded by run-…`, `the manifest in the store`. */
  readonly compared: readonly {readonly with: string; readonly sha256: string; readonly same: boolean}[]
}

export interface VerifyDeps extends InspectDeps {
  readonly progress: Progress
  /** null where no configured platform has a store with this URI's scheme. */
  readonly storeOf: (uri: string) => Promise<ObjectStore | null>
}

export interface VerifyInput {
  readonly targets: readonly {readonly name: string; readonly address: CheckpointAddress}[]
  /** Of those in a store read every byte, too; what lies elsewhere always is. */
  readonly full: boolean
}

/** Reads checkpoints where they are, one after another, and compares them with every digest that is known. Nothing is mended or removed. */
export async function verifyCheckpoints({full, targets}: VerifyInput, deps: VerifyDeps): Promise<readonly VerifiedCheckpoint[]> {
  const verified: VerifiedCheckpoint[] = []
  for (const [at, {address, name}] of targets.entries()) {
    const title = targets.length === 1 ? `Verify ${name}` : `Verify ${name} (${at + 1} of ${targets.length})`
    verified.push(await step(deps.progress, 'verify', title, () => verifyOne(name, address, full, deps), ({ok}) => (ok ? undefined : 'not good')))
  }
  return verified
}

async function verifyOne(name: string, address: CheckpointAddress, full: boolean, deps: VerifyDeps): Promise<VerifiedCheckpoint> {
  const reads = full || address.kind !== 'stored'
  const where = address.kind === 'instance' ? address.instanceId : null
  const kind = address.kind === 'here' ? 'client' : address.kind === 'stored' ? 's3' : 'instance'
  try {
    const inspected = await inspectCheckpoint(address, {full: reads, maxTensors: 0}, deps)
    const {bytesRead, info, stored} = inspected
    const compared = stored === null ? await comparedWithKnown(inspected, deps) : await comparedWithManifest(stored, info.sha256, reads, deps)
    const why = whyNot(info, compared)
    return {
      path: info.path, kind, where: stored === null ? where : info.places[0]?.where ?? null, ok: why === null, why, state: info.state, state_detail: info.state_detail,
      format: info.format, size_bytes: info.size_bytes, sha256: reads ? info.sha256 : null, read: reads ? 'bytes' : 'tables', bytes_read: bytesRead, compared,
    }
  } catch (error) {
    // One that is not there any more, or not as it is told, does not keep the others from being looked at.
    if (!isRunctlError(error) || (error.code !== 'not_found' && error.code !== 'verification_failed')) throw error
    return {
      path: name, kind, where, ok: false, why: error.message, state: 'partial', state_detail: error.message, format: null, size_bytes: 0, sha256: null,
      read: reads ? 'bytes' : 'tables', bytes_read: 0, compared: [],
    }
  }
}

function whyNot({state, state_detail: detail}: Checkpoint, compared: VerifiedCheckpoint['compared']): string | null {
  if (state === 'corrupt' || state === 'partial') return `${state}: ${detail ?? 'no reason is told'}`
  const other = compared.find(({same}) => !same)
  if (other) return `its digest is not the one of ${other.with}`
  return state === 'complete' || compared.length > 0 ? null : `${detail ?? 'its format cannot be checked'}, and no digest of it is known`
}

/** What the agent knew, and the manifests of the copies in stores: they tell the digest of what was uploaded. */
async function comparedWithKnown({info, known}: Inspection, deps: VerifyDeps): Promise<VerifiedCheckpoint['compared']> {
  const manifests = await Promise.all(info.places.filter(({kind}) => kind === 's3').map(async place => {
    const uri = `s3://${place.where}/${place.path}`
    try {
      const store = await deps.storeOf(uri)
      const manifest = store && await readManifest(uri, store, {signal: deps.signal})
      return manifest ? [{by: `the manifest of ${uri}`, sha256: manifest.sha256}] : []
    } catch (error) {
      if (!isRunctlError(error)) throw error
      deps.progress.emit({type: 'warning', message: `${info.path} is not compared with its copy: ${error.message}`})
      return []
    }
  }))
  return [...known, ...manifests.flat()].map(({by, sha256}) => ({with: by, sha256, same: sha256 === info.sha256}))
}

const AT_ONCE = 8

/** Where not every byte was read: what the store tells of the objects, whose bytes it compared with that when they came. */
async function comparedWithManifest({files, manifest}: StoredFiles, sha256: string | null, read: boolean, {signal, storeOf}: VerifyDeps): Promise<VerifiedCheckpoint['compared']> {
  if (manifest === null) return []
  const told = {with: 'its manifest', sha256: manifest.sha256}
  if (read) return [{...told, same: sha256 === manifest.sha256}]
  if (manifest.kind === 'file') {
    const mark = files[0]?.sha256
    return mark === undefined ? [] : [{...told, same: mark === manifest.sha256}]
  }
  const store = files[0] ? await storeOf(files[0].uri) : null
  if (store === null) return []
  const expected = new Map(manifest.files.map(file => [file.path, file.sha256]))
  const marks: (boolean | null)[] = []
  for (let at = 0; at < files.length; at += AT_ONCE) {
    marks.push(...await Promise.all(files.slice(at, at + AT_ONCE).map(async ({path, uri}) => {
      const mark = (await store.head(uri, {signal}))?.sha256
      return mark === undefined ? null : mark === expected.get(path)
    })))
  }
  if (marks.length === 0 || marks.includes(null)) return []
  return [{...told, same: !marks.includes(false)}]
}

/** The failure of a verification as a whole: one error, or none. */
export function notGood(verified: readonly VerifiedCheckpoint[]): readonly RunctlError[] {
  const bad = verified.filter(({ok}) => !ok)
  if (bad.length === 0) return []
  const named = bad.slice(0, 5).map(({path, why}) => `${path} (${why ?? 'not good'})`)
  const more = bad.length > named.length ? [`and ${bad.length - named.length} more`] : []
  return [new RunctlError('verification_failed', `${bad.length} of ${verified.length} checkpoints not good: ${[...named, ...more].join('; ')}`, {details: {paths: bad.map(({path}) => path)}})]
}
