import {randomUUID} from 'node:crypto'
import {mkdtemp, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import path from 'node:path'

import type {ObjectInfo, ObjectStore} from '../providers/provider.js'
import {check, checkBytes, checkEqual, checkRejects, outcome} from './assertions.js'

/** A store, and a prefix of its own for each case, ending in `/`. */
export interface StoreSubject {
  readonly store: ObjectStore
  readonly prefix: string
}

const EVERY_BYTE = Uint8Array.from({length: 256}, (_, value) => value)
/** More than one part, where a store sends in parts. */
const LARGE_BYTES = 11 << 20

/** What must hold of a store, by title. A platform without one has nothing to prove. */
export const STORE_CONTRACT: Readonly<Record<string, (subject: StoreSubject) => Promise<void>>> = {
  async 'store: gives back what was put, whole and in ranges'({prefix, store}) {
    const uri = `${prefix}every byte ü+%20.bin`
    check(await store.put(uri, EVERY_BYTE), 'a put says that it wrote')
    checkBytes(await store.get(uri), EVERY_BYTE, 'an object')
    checkBytes(await store.get(uri, {range: [10, 19]}), EVERY_BYTE.subarray(10, 20), 'a range, both ends included')
    await store.put(uri, new Uint8Array(0))
    checkEqual((await store.get(uri)).length, 0, 'bytes of an object that was replaced by an empty one')
  },

  async 'store: sends a file, a large one too, and tells how far it is'({prefix, store}) {
    const folder = await mkdtemp(path.join(tmpdir(), 'runctl-contract-'))
    try {
      const bytes = Uint8Array.from({length: LARGE_BYTES}, (_, index) => (index * 31) % 251)
      const file = path.join(folder, 'large.bin')
      await writeFile(file, bytes)
      const told: number[] = []
      check(await store.put(`${prefix}large.bin`, {file}, {onProgress: sent => told.push(sent)}), 'a put says that it wrote')
      checkEqual(told.at(-1), LARGE_BYTES, 'the last progress')
      check(told.every((sent, index) => index === 0 || sent >= (told[index - 1] ?? 0)), `progress never goes back: ${told.join(', ')}`)
      checkEqual((await store.head(`${prefix}large.bin`))?.sizeBytes, LARGE_BYTES, 'size')
      checkBytes(await store.get(`${prefix}large.bin`), bytes, 'a large object')
    } finally {
      await rm(folder, {recursive: true})
    }
  },

  async 'store: tells of an object, and null of none'({prefix, store}) {
    const uri = `${prefix}one`
    checkEqual(await store.head(uri), null, 'an object that is not there')
    await store.put(uri, EVERY_BYTE)
    const first = await store.head(uri)
    checkEqual([first?.uri, first?.sizeBytes], [uri, EVERY_BYTE.length], 'uri and size')
    check(first !== null && !Number.isNaN(Date.parse(first.modifiedAt)), 'modifiedAt is a time')
    await store.put(uri, EVERY_BYTE.subarray(1))
    check((await store.head(uri))?.etag !== first.etag, 'the etag changes with the content')
  },

  async 'store: lists what is below a prefix, in the order of the keys, and nothing else'({prefix, store}) {
    const names = ['a/1', 'a/2', 'a/ü', 'ab', 'b']
    await Promise.all(names.map(name => store.put(prefix + name, EVERY_BYTE)))
    const list = async (uri: string): Promise<readonly string[]> => (await all(store.list(uri))).map(one => one.uri.slice(prefix.length))
    checkEqual(await list(prefix), names, 'everything')
    checkEqual(await list(`${prefix}a/`), ['a/1', 'a/2', 'a/ü'], 'below a folder')
    checkEqual(await list(`${prefix}none/`), [], 'below nothing')
    checkEqual((await all(store.list(prefix))).map(one => one.sizeBytes), names.map(() => EVERY_BYTE.length), 'sizes')
  },

  async 'store: names the folders directly below a prefix, where it can'({prefix, store}) {
    if (!store.folders) return
    await Promise.all(['a/1', 'a/deep/2', 'b c/3', 'file'].map(name => store.put(prefix + name, EVERY_BYTE)))
    const names: string[] = []
    for await (const folder of store.folders(prefix)) names.push(folder.slice(prefix.length))
    checkEqual(names, ['a/', 'b c/'], 'folders')
  },

  async 'store: lets exactly one of many racers write'({prefix, store}) {
    const uri = `${prefix}lock`
    const won = await Promise.all(Array.from({length: 8}, (_, racer) => store.put(uri, Uint8Array.of(racer), {ifAbsent: true})))
    checkEqual(won.filter(Boolean).length, 1, 'racers that wrote')
    checkEqual([...(await store.get(uri))], [won.indexOf(true)], 'what is there')
    checkEqual(await store.put(uri, EVERY_BYTE, {ifAbsent: true}), false, 'a later one')
  },

  async 'store: deletes, and takes what is not there for deleted'({prefix, store}) {
    const uris = [`${prefix}a`, `${prefix}b c`, `${prefix}never`]
    await Promise.all(uris.slice(0, 2).map(uri => store.put(uri, EVERY_BYTE)))
    await store.delete(uris)
    await store.delete(uris)
    checkEqual(await all(store.list(prefix)), [], 'what is left')
    await store.delete([])
  },

  async 'store: gives addresses with which anyone can get or put one object'({prefix, store}) {
    const uri = `${prefix}by address ü`
    const sent = await fetch(await store.presign(uri, 'PUT', 300), {method: 'PUT', body: EVERY_BYTE})
    check(sent.ok, `putting by address: ${sent.status}`)
    checkBytes(await store.get(uri), EVERY_BYTE, 'what was put by address')
    const got = await fetch(await store.presign(uri, 'GET', 300))
    checkBytes(new Uint8Array(await got.arrayBuffer()), EVERY_BYTE, 'what was got by address')
    const misused = await fetch(await store.presign(uri, 'GET', 300), {method: 'PUT', body: 'x'})
    check(!misused.ok, 'an address for reading must not write')
  },

  async 'store: says what is wrong'({prefix, store}) {
    await checkRejects(store.get(`${prefix}none`), ['not_found'], 'an object that is not there')
    for (const uri of ['', 'none', `${store.scheme}://`, 'other://bucket/key']) {
      await checkRejects(store.put(uri, EVERY_BYTE), ['bad_input'], `putting to ${JSON.stringify(uri)}`)
    }
    const reason = new Error('cancelled by the contract')
    const signal = AbortSignal.abort(reason)
    check((await outcome(store.put(`${prefix}cancelled`, EVERY_BYTE, {signal}))) === reason, 'a cancelled put rejects with the reason')
    checkEqual(await store.head(`${prefix}cancelled`), null, 'what a cancelled put wrote')
  },

  async 'store: has a region for instances, and a scratch prefix of its own or none'({store}) {
    const {endpoint, region} = await store.access()
    check(region !== '', 'a region')
    check(endpoint === null || /^https?:\/\//.test(endpoint), `an endpoint is an address: ${endpoint}`)
    check(store.scratch === null || (store.scratch.startsWith(`${store.scheme}://`) && store.scratch.endsWith('/')), `scratch is a prefix: ${store.scratch}`)
  },
}

/** Below `uri`, different for each case; all of it is removed by {@link cleanStore}. */
export const storePrefix = (uri: string): string => `${uri.replace(/\/*$/, '')}/runctl-contract/${randomUUID()}/`

export async function cleanStore({prefix, store}: StoreSubject): Promise<void> {
  await store.delete((await all(store.list(prefix))).map(({uri}) => uri))
}

async function all(objects: AsyncIterable<ObjectInfo>): Promise<readonly ObjectInfo[]> {
  const found: ObjectInfo[] = []
  for await (const one of objects) found.push(one)
  return found
}
