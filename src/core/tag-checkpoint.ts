import {hostname} from 'node:os'
import path from 'node:path'

import type {CheckpointsRequest} from '../agent/checkpoint-protocol.js'
import type {CheckpointPlace} from '../model/checkpoint.js'
import {isRunctlError, RunctlError} from '../model/errors.js'
import type {ObjectStore} from '../providers/provider.js'
import {MANIFEST_SUFFIX, readManifest, TAG_INFIX, TAG_NAME, type Manifest} from './stored-manifest.js'
import type {CheckpointOrigin} from './checkpoint-origin.js'
import {findRunningInstance} from './find-instance.js'
import {findRun} from './list-runs.js'
import {listStored} from './list-stored.js'
import type {LocalAgent} from './local-agent-port.js'
import {pickByName} from './pick-by-name.js'
import type {PlatformDeps} from './platform-deps.js'
import {readCheckpoints} from './read-checkpoints.js'
import {noRoot, storeFor, storeRoots, type StoreHints} from './store-roots.js'

export interface TagInput extends StoreHints {
  readonly origin: CheckpointOrigin
  /** The path of one, or its end; of a store's origin nothing: that names it whole. Of a folder: the name in it. */
  readonly wanted: string
  readonly add: readonly string[]
  readonly remove: readonly string[]
}

/** Also its JSON form. */
export interface TagResult {
  /** As it was named where it was found: a path, or a URI. */
  readonly path: string
  readonly sha256: string
  /** All of its tags now, in order. */
  readonly tags: readonly string[]
  /** Where it is tagged: a clean-up there keeps it. */
  readonly places: readonly Pick<CheckpointPlace, 'kind' | 'path' | 'where'>[]
}

type Deps = Pick<PlatformDeps, 'agent' | 'provider' | 'signal'>

export interface TagDeps {
  readonly platforms: readonly Deps[]
  readonly callAgentHere: LocalAgent
}

/** Names a checkpoint where it is, and its verified copies in the store with it. Rejects with `bad_input` for what is no tag, `not_found`, `wrong_state`. */
export async function tagCheckpoint(input: TagInput, {callAgentHere, platforms}: TagDeps): Promise<TagResult> {
  const {origin} = input
  for (const name of [...input.add, ...input.remove]) checkTag(name)
  switch (origin.kind) {
    case 'folder': {
      const {checkpoints, dir} = await callAgentHere('checkpoints', {dir: origin.dir, path: input.wanted})
      const {path: name, sha256} = requireDigest(pickByName(checkpoints, input.wanted, one => one.path))
      const {tags} = await callAgentHere('tag-checkpoint', {sha256, add: input.add, remove: input.remove})
      return {path: name, sha256, tags, places: [{kind: 'client', where: hostname(), path: path.resolve(dir, name)}]}
    }
    case 'store': {
      const {deps, store} = storeFor(origin.uri, platforms)
      return tagStored(origin.uri.replace(/\/+$/, ''), input, store, deps.signal)
    }
    case 'instance': {
      const [deps] = platforms
      if (!deps) throw new Error('the platform of the instance is missing')
      await findRunningInstance(origin.instanceId, deps)
      return tagOnInstance(origin.instanceId, origin.project === null ? {} : {project: origin.project}, input, deps)
    }
    case 'run':
      return tagOfRun(origin.runId, input, platforms)
    case 'project':
      return tagBelow(origin.project, null, input, platforms)
  }
}

async function tagOfRun(runId: string, input: TagInput, platforms: readonly Deps[]): Promise<TagResult> {
  try {
    const {deps, run} = await findRun(runId, platforms)
    return await tagOnInstance(run.instance_id, {run_id: runId}, input, deps)
  } catch (error) {
    // Its instance may be gone: what it stored is there.
    if (!isRunctlError(error) || (error.code !== 'not_found' && error.code !== 'wrong_state') || error.details['run_id'] !== runId) throw error
    return tagBelow(null, runId, input, platforms)
  }
}

async function tagBelow(project: string | null, runId: string | null, input: TagInput, platforms: readonly Deps[]): Promise<TagResult> {
  const roots = await storeRoots(input, platforms)
  const [first] = roots
  if (!first) throw noRoot(runId ?? project ?? 'it')
  const prefixes = roots.filter(({store}) => store === first.store).map(({root}) => (project === null ? root : `${root}/${project}`))
  const lists = await Promise.all(prefixes.map(async prefix => listStored(prefix, first.store, {signal: first.deps.signal})))
  const known = [...new Set(lists.flatMap(({checkpoints}) => checkpoints).filter(({run_id}) => runId === null || run_id === runId).map(({uri}) => uri))]
  return tagStored(pickByName(known, input.wanted, uri => uri), input, first.store, first.deps.signal)
}

async function tagOnInstance(instanceId: string, request: Pick<CheckpointsRequest, 'project' | 'run_id'>, input: TagInput, deps: Deps): Promise<TagResult> {
  const agent = deps.agent(instanceId)
  const {checkpoints, dir, project_dir} = await readCheckpoints(agent, request, deps.signal)
  const checkpoint = requireDigest(pickByName(checkpoints, input.wanted, one => one.path))
  const {sha256} = checkpoint
  const {tags} = await agent.call('tag-checkpoint', {sha256, add: input.add, remove: input.remove}, {signal: deps.signal})
  const places: TagResult['places'][number][] = [{kind: 'instance', where: instanceId, path: path.posix.resolve(project_dir ?? dir, checkpoint.path)}]
  const {store} = deps.provider
  for (const place of store ? checkpoint.places.filter(({kind}) => kind === 's3') : []) {
    const uri = `${store?.scheme ?? ''}://${place.where}/${place.path}`
    const manifest = store ? await readManifest(uri, store, {signal: deps.signal}) : null
    // Another content by now is another checkpoint.
    if (!store || manifest?.sha256 !== sha256) continue
    await writeTags(uri, input, store, deps.signal)
    places.push({kind: 's3', where: place.where, path: place.path})
  }
  return {path: checkpoint.path, sha256, tags, places}
}

async function tagStored(uri: string, input: TagInput, store: ObjectStore, signal: AbortSignal): Promise<TagResult> {
  const manifest: Manifest | null = await readManifest(uri, store, {signal})
  if (!manifest) throw new RunctlError('not_found', `there is no checkpoint ${uri}: it has no manifest ${MANIFEST_SUFFIX} that runctl wrote`, {next: ['runctl checkpoint list']})
  await writeTags(uri, input, store, signal)
  const tags: string[] = []
  for await (const one of store.list(uri + TAG_INFIX, {signal})) {
    const name = one.uri.slice(uri.length + TAG_INFIX.length)
    if (TAG_NAME.test(name)) tags.push(name)
  }
  const [, where = '', key = ''] = /^[a-z0-9]+:\/\/([^/]+)\/(.*)$/s.exec(uri) ?? []
  return {path: uri, sha256: manifest.sha256, tags: tags.sort(), places: [{kind: 's3', where, path: key}]}
}

async function writeTags(uri: string, {add, remove}: TagInput, store: ObjectStore, signal: AbortSignal): Promise<void> {
  await Promise.all(add.map(async name => store.put(uri + TAG_INFIX + name, new Uint8Array(), {signal})))
  if (remove.length > 0) await store.delete(remove.map(name => uri + TAG_INFIX + name), {signal})
}

function checkTag(name: string): void {
  if (TAG_NAME.test(name)) return
  throw new RunctlError('bad_input', `${JSON.stringify(name)} cannot be a tag: letters, digits, ".", "_" and "-", beginning with a letter or digit, at most 63`)
}

function requireDigest<C extends {readonly path: string; readonly sha256: string | null}>(checkpoint: C): C & {readonly sha256: string} {
  const {sha256} = checkpoint
  if (sha256 !== null) return {...checkpoint, sha256}
  throw new RunctlError('wrong_state', `${checkpoint.path} is still being written; a tag names a content`, {next: ['tag it when it is complete']})
}
