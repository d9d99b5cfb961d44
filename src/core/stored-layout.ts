/** What the names, sizes and times of objects alone tell of the checkpoints among them. */
import type {ObjectInfo} from '../providers/provider.js'

export const MANIFEST_SUFFIX = '.manifest.json'
export const TAG_INFIX = '.tag.'
/** Names that a person gives a checkpoint: they become the end of a key. */
export const TAG_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/

const RUN = /^([a-z][a-z0-9+.-]*:\/\/(?:[^/]+\/)*?(run-\d{8}-\d{6}-[0-9a-f]{4,8})\/)(.*)$/s
const ENDINGS = /\.(pt|pth|ckpt|safetensors|npz|pkl|bin|h5|keras|msgpack)$/i
const FOLDER = /^(checkpoint-.+|.+\.ckpt)$/

/** A checkpoint, or what is left of one. */
export interface StoredEntry {
  /** Of the file, or of the folder without a trailing `/`. */
  readonly uri: string
  /** `s3://…/RUN-ID/`, and the run's id; null in a plain prefix. */
  readonly run: {readonly prefix: string; readonly id: string} | null
  /** Its path below the run's checkpoint folder, or below the prefix that was asked about. */
  readonly below: string
  readonly sizeBytes: number
  /** When the newest of its objects was written; null where there is none. */
  readonly modifiedAt: string | null
  readonly manifest: ObjectInfo | null
  readonly tags: readonly string[]
}

export interface StoredLayout {
  readonly entries: readonly StoredEntry[]
  /** The prefixes of runs that were seen. */
  readonly runs: readonly {readonly prefix: string; readonly id: string}[]
}

/** The run below whose prefix a URI lies; null where it is none. */
export function runOfUri(uri: string): {readonly prefix: string; readonly id: string; readonly rest: string} | null {
  const [, prefix, id, rest] = RUN.exec(uri) ?? []
  return prefix === undefined || id === undefined || rest === undefined ? null : {prefix, id, rest}
}

/** Where a key of runctl's stands: `s3://bucket/prefix/PROJECT/RUN-ID/checkpoints/BELOW`. */
export interface StoredPlace {
  /** `s3://bucket/prefix/PROJECT/` */
  readonly projectUri: string
  readonly project: string
  readonly runId: string
  /** `s3://bucket/prefix/PROJECT/RUN-ID/` */
  readonly runUri: string
  /** The path below `checkpoints/`; null for anything else of the run. */
  readonly below: string | null
}

/** null where the URI is not below the prefix of a run of a project. */
export function placeOf(uri: string): StoredPlace | null {
  const run = runOfUri(uri)
  const [, projectUri, project] = /^([a-z][a-z0-9+.-]*:\/\/[^/]+\/(?:.*\/)?([^/]+)\/)run-[^/]*\/$/s.exec(run?.prefix ?? '') ?? []
  if (run === null || projectUri === undefined || project === undefined) return null
  return {projectUri, project, runId: run.id, runUri: run.prefix, below: run.rest.startsWith('checkpoints/') ? run.rest.slice('checkpoints/'.length) : null}
}

interface Found {
  readonly run: StoredEntry['run']
  readonly below: string
  sizeBytes: number
  modifiedAt: string | null
}

/** `base`: the prefix that was asked about, ending in `/`. */
export function layOut(objects: readonly ObjectInfo[], base: string): StoredLayout {
  const runs = new Map<string, {readonly prefix: string; readonly id: string}>()
  const manifests = new Map<string, ObjectInfo>()
  const tags = new Map<string, string[]>()
  const contents: {readonly object: ObjectInfo; readonly run: StoredEntry['run']; readonly root: string}[] = []
  for (const object of objects) {
    const found = runOfUri(object.uri)
    const run = found && {prefix: found.prefix, id: found.id}
    if (run) runs.set(run.prefix, run)
    // A run's log and outputs are no checkpoints, whatever they are called.
    if (found && !found.rest.startsWith('checkpoints/')) continue
    const root = run ? `${run.prefix}checkpoints/` : base
    const tag = tagOf(object)
    if (object.uri.endsWith(MANIFEST_SUFFIX) && object.uri.length > root.length + MANIFEST_SUFFIX.length) manifests.set(object.uri.slice(0, -MANIFEST_SUFFIX.length), object)
    else if (tag) tags.set(tag.uri, [...(tags.get(tag.uri) ?? []), tag.name])
    else if (object.uri.startsWith(root) && !object.uri.endsWith('/')) contents.push({object, run, root})
  }
  const entries = new Map<string, Found>()
  for (const [uri] of manifests) {
    const found = runOfUri(uri)
    const run = found && {prefix: found.prefix, id: found.id}
    const root = run ? `${run.prefix}checkpoints/` : base
    entries.set(uri, {run, below: uri.slice(root.length), sizeBytes: 0, modifiedAt: null})
  }
  for (const {object, root, run} of contents) {
    const uri = ownerOf(object.uri, root, manifests, run !== null)
    if (uri === null) continue
    const entry = entries.get(uri) ?? {run, below: uri.slice(root.length), sizeBytes: 0, modifiedAt: null}
    entry.sizeBytes += object.sizeBytes
    if (entry.modifiedAt === null || object.modifiedAt > entry.modifiedAt) entry.modifiedAt = object.modifiedAt
    entries.set(uri, entry)
  }
  const all = [...entries].map(([uri, entry]) => ({uri, ...entry, manifest: manifests.get(uri) ?? null, tags: (tags.get(uri) ?? []).sort()}))
  return {entries: all, runs: [...runs.values()]}
}

function tagOf({sizeBytes, uri}: ObjectInfo): {readonly uri: string; readonly name: string} | null {
  const at = uri.lastIndexOf(TAG_INFIX)
  if (sizeBytes !== 0 || at < 1) return null
  const name = uri.slice(at + TAG_INFIX.length)
  return TAG_NAME.test(name) ? {uri: uri.slice(0, at), name} : null
}

/** The checkpoint that an object is (part of); null where it is none. */
function ownerOf(uri: string, root: string, manifests: ReadonlyMap<string, unknown>, isRun: boolean): string | null {
  const parts = uri.slice(root.length).split('/')
  const ways = parts.map((_, at) => root + parts.slice(0, at + 1).join('/'))
  const owner = ways.find(way => manifests.has(way))
  if (owner !== undefined) return owner
  // Nothing says yet what it belongs to but its name.
  const folder = parts.slice(0, -1).findIndex(part => FOLDER.test(part))
  if (folder >= 0) return ways[folder] ?? null
  return isRun || ENDINGS.test(uri) ? uri : null
}

/** As the agent reads them from names: `epoch_3`, `step-400`, `checkpoint-400`. */
export function stepAndEpochOfName(name: string): {readonly step: number | null; readonly epoch: number | null} {
  const step = /(?:(?<![a-z])(?:step|iter|iteration)s?[-_=]?|(?<![a-z])(?:checkpoint|ckpt)[-_])(\d{1,15})(?!\d)/i.exec(name)
  const epoch = /(?<![a-z])epochs?[-_=]?(\d{1,15})(?!\d)/i.exec(name)
  return {step: step ? Number(step[1]) : null, epoch: epoch ? Number(epoch[1]) : null}
}
