import {Flags} from '@oclif/core'
import {userInfo} from 'node:os'

import type {PlatformDeps} from '../core/platform-deps.js'
import {isRunctlError, RunctlError} from '../model/errors.js'
import {RunctlCommand} from './base-command.js'
import {lenientProvider} from './lenient-provider.js'

/** Which platforms a command over resources looks at. */
export const placeFlags = {
  platform: Flags.string({summary: 'Only this platform. Default: all.'}),
  'all-regions': Flags.boolean({summary: 'Look at every region of the account, all at once; one that refuses is a warning.'}),
}

/** Whose resources it is about. */
export const ownerFlags = {
  project: Flags.string({summary: 'Only what belongs to this project.'}),
  owner: Flags.string({summary: 'Only what belongs to this user, as `create` notes the name.', exclusive: ['mine']}),
  mine: Flags.boolean({summary: 'Only what belongs to you.'}),
}

interface Places {
  readonly platform?: string | undefined
  readonly 'all-regions': boolean
}

/** A command over all that exists, on one platform or on all, in one region or in all. */
export abstract class ResourcesCommand<T> extends RunctlCommand<T> {
  /** One that is named must answer; of all, those that cannot be asked are left out with a warning. */
  protected async places({'all-regions': allRegions, platform}: Places): Promise<readonly PlatformDeps[]> {
    const chosen = platform === undefined ? await this.allPlatforms() : [await this.platformDeps(platform)]
    if (!allRegions) return chosen
    return (await Promise.all(chosen.map(async deps => this.inRegions(deps, platform === undefined)))).flat()
  }

  protected ownerOf({mine, owner}: {readonly mine: boolean; readonly owner?: string | undefined}): string | null {
    return mine ? userInfo().username : (owner ?? null)
  }

  /** As {@link places}, of one platform. Lenient: where the regions cannot be told, the configured one is looked at. */
  private async inRegions(deps: PlatformDeps, lenient: boolean): Promise<readonly PlatformDeps[]> {
    const {provider} = deps
    if (!provider.regions || !provider.inRegion) return [deps]
    const regions = await provider.regions({signal: this.signal}).catch((error: unknown) => {
      if (!lenient || this.signal.aborted || !isRunctlError(error)) throw error
      this.tellOnce(`every region of ${provider.name} but one`)(error)
      return null
    })
    if (regions === null) return [deps]
    return Promise.all(regions.map(async region => {
      const there = await this.platformDeps(provider.name, undefined, region)
      return {...there, provider: lenientProvider(there.provider, this.signal, this.tellOnce(`${provider.name} in ${region}`))}
    }))
  }
}

/** `NAME=VALUE` pairs by name; the same name several times has several values. Rejects with `bad_input`. */
export function pairs(flag: string, given: readonly string[]): Readonly<Record<string, readonly string[]>> {
  const values = new Map<string, string[]>()
  for (const pair of given) {
    const at = pair.indexOf('=')
    if (at < 1) throw new RunctlError('bad_input', `--${flag} ${JSON.stringify(pair)} is not of the form NAME=VALUE`)
    values.set(pair.slice(0, at), [...(values.get(pair.slice(0, at)) ?? []), pair.slice(at + 1)])
  }
  return Object.fromEntries(values)
}
