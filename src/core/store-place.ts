import type {StartRequest} from '../agent/protocol.js'
import {RunctlError} from '../model/errors.js'
import type {Provider} from '../providers/provider.js'

/** Whether a value names something in an object store: `s3://bucket/prefix`. */
export const isStoreUri = (value: string): boolean => /^[a-z][a-z0-9+.-]*:\/\//i.test(value)

export interface WantedPlaces {
  /** What is no URI is no matter of a store. */
  readonly data: string | null
  readonly output: string | null
  /** Taken where `output` is null, and only where the platform has a store of this scheme. */
  readonly defaultOutput: string | null
}

export interface StorePlaces {
  readonly data: string | null
  readonly output: string | null
}

/** The places in the platform's store that a run uses. Refuses with `bad_input` what its instances could not reach; asks nobody. For before anything is begun. */
export function settlePlaces({data, defaultOutput, output}: WantedPlaces, provider: Provider): StorePlaces {
  const {name, store} = provider
  const source = data !== null && isStoreUri(data) ? data : null
  if (source !== null) checkUri(source, 'fetch', 'download it, and give its folder: --data DIR', provider)
  const fitting = store && defaultOutput?.startsWith(`${store.scheme}://`) ? defaultOutput : null
  const target = output ?? fitting
  if (target !== null) checkUri(target, 'write to', `leave it out, and fetch what was written: runctl ${name} pull INSTANCE --checkpoints`, provider)
  return {data: source, output: target?.replace(/\/+$/, '') ?? null}
}

/** The two places as the agent is told them, with the way to the store. */
export async function storeRequest({data, output}: StorePlaces, {store}: Provider): Promise<Pick<StartRequest, 'data_source' | 'output'>> {
  if (!store || (data === null && output === null)) return {data_source: null, output: null}
  const access = await store.access()
  return {data_source: data === null ? null : {uri: data, access}, output: output === null ? null : {uri: output, access}}
}

function checkUri(uri: string, verb: string, instead: string, {name, store}: Provider): void {
  if (!store) throw new RunctlError('bad_input', `instances of ${name} cannot ${verb} ${uri}: the platform has no object store`, {next: [instead]})
  const example = `${store.scheme}://BUCKET/PREFIX`
  if (!uri.startsWith(`${store.scheme}://`)) {
    throw new RunctlError('bad_input', `instances of ${name} cannot ${verb} ${uri}: the platform's store has addresses like ${example}`, {next: [instead]})
  }
  // The bucket, and what stands behind it: anything that can be shown.
  const rest = uri.slice(store.scheme.length + 3)
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*(?:\/[^\p{Cc}\p{Cf}]*)?$/u.test(rest)) {
    throw new RunctlError('bad_input', `${JSON.stringify(uri)} is no address in a store: it is written like ${example}`)
  }
}
