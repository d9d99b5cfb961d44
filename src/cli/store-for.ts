import {RunctlError} from '../model/errors.js'
import type {ObjectStore} from '../providers/provider.js'
import type {Platforms} from './platforms.js'

export const schemeOf = (text: string): string | null => /^([a-z][a-z0-9+.-]*):\/\//.exec(text)?.[1] ?? null

/** The store of the first platform that is set up and has URIs of this scheme; null where none has. */
export async function storeOf(uri: string, platforms: Platforms): Promise<ObjectStore | null> {
  const scheme = schemeOf(uri)
  for (const definition of platforms.definitions) {
    if (!(await platforms.isConfigured(definition))) continue
    const {store} = await platforms.open(definition.name)
    if (store?.scheme === scheme) return store
  }
  return null
}

/** The same; rejects with `bad_input` where there is none. */
export async function storeFor(uri: string, platforms: Platforms): Promise<ObjectStore> {
  const store = await storeOf(uri, platforms)
  if (store) return store
  throw new RunctlError('bad_input', `no platform that is set up here has a store for ${schemeOf(uri) ?? 'such'}:// URIs`, {next: ['runctl doctor'], details: {uri}})
}
