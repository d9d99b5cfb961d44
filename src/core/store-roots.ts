import {RunctlError} from '../model/errors.js'
import type {ObjectStore} from '../providers/provider.js'
import {knownOutputs} from './find-stored-run.js'
import type {PlatformDeps} from './platform-deps.js'

export type StoreDeps = Pick<PlatformDeps, 'provider' | 'signal'>
export interface StoreOf<D extends StoreDeps> {
  readonly deps: D
  readonly store: ObjectStore
}

/** The platform whose store has such URIs. Rejects with `bad_input`. */
export function storeFor<D extends StoreDeps>(uri: string, platforms: readonly D[]): StoreOf<D> {
  const found = storesOf(platforms).find(({store}) => uri.startsWith(`${store.scheme}://`))
  if (found) return found
  throw new RunctlError('bad_input', `no platform that is set up here has a store with addresses like ${uri}`, {next: ['runctl doctor']})
}

const storesOf = <D extends StoreDeps>(platforms: readonly D[]): readonly StoreOf<D>[] =>
  platforms.flatMap(deps => (deps.provider.store ? [{deps, store: deps.provider.store}] : []))

/** Where to look for what runs have stored. */
export interface StoreHints {
  /** In place of all else; null: not said. */
  readonly from: string | null
  /** `train.output_s3`, if it is set. */
  readonly configuredOutput: string | null
}

/**
 * Where outputs of runs may be: what was said, else the configured place and those that instances name in their tags, also of terminated ones
 * as long as the platform shows them. Each without the slash at its end.
 */
export async function storeRoots<D extends StoreDeps>({configuredOutput, from}: StoreHints, platforms: readonly D[]): Promise<readonly (StoreOf<D> & {readonly root: string})[]> {
  if (from !== null) return [{...storeFor(from, platforms), root: from.replace(/\/+$/, '')}]
  const found = await Promise.all(storesOf(platforms).map(async ({deps, store}) =>
    (await knownOutputs({defaultOutput: configuredOutput, from: null}, deps)).map(root => ({deps, store, root}))))
  return found.flat()
}

export function noRoot(what: string): RunctlError {
  return new RunctlError('not_found', `nobody here knows where in a store ${what} is: no output is configured, and no instance names one`, {
    next: ['say where: --from s3://BUCKET/PREFIX', 'runctl config set train.output_s3 s3://BUCKET/PREFIX'],
  })
}
