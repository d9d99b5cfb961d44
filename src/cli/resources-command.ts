import {userInfo} from 'node:os'
import {Flags} from '@oclif/core'

import type {ItemFailure} from '../core/clean-up.js'
import type {PlatformDeps} from '../core/platform-deps.js'
import type {ResourcePlace} from '../core/resource-place.js'
import {isRunctlError} from '../model/errors.js'
import {environmentPrefix} from './environment-prefix.js'
import {RunctlCommand} from './base-command.js'
import {naming} from './instances-command.js'
import {lenientProvider} from './lenient-provider.js'
import {scopedProgress} from './scoped-progress.js'

/** Of commands that look through all that exists. */
export const placeFlags = {
  platform: Flags.string({summary: 'Only this platform. Default: all.'}),
  'all-regions': Flags.boolean({default: false, summary: 'In every region of the account, not only in the configured one.'}),
}

/** Of commands that change what they find. */
export const actFlags = {
  project: Flags.string({summary: 'Only what has this project.'}),
  owner: Flags.string({helpValue: '<name>', summary: 'Whose: what the owner tag says. Default: you, by the name of your account on this machine. Nobody else\'s is touched.'}),
  'dry-run': Flags.boolean({default: false, summary: 'Only the plan. That is so without --yes in any case.', exclusive: ['yes']}),
  yes: Flags.boolean({default: false, char: 'y', summary: 'Do it. Nothing is asked.'}),
}

/** Commands over all that exists on one platform or on all of them, perhaps in every region. */
export abstract class ResourcesCommand<T> extends RunctlCommand<T> {
  protected get thisUser(): string {
    return userInfo().username
  }

  protected async places(flags: {readonly platform?: string | undefined; readonly 'all-regions': boolean}): Promise<readonly ResourcePlace[]> {
    const all = flags.platform === undefined ? await this.allPlatforms() : [await this.platformDeps(flags.platform)]
    if (!flags['all-regions']) return all.map(deps => this.place(deps, ''))
    return (await Promise.all(all.map(deps => this.inRegions(deps, flags.platform !== undefined)))).flat()
  }

  /** A platform without regions is one place. A region that refuses is named, and the others are looked through. */
  private async inRegions(deps: PlatformDeps, isNamed: boolean): Promise<readonly ResourcePlace[]> {
    const {provider, signal} = deps
    if (provider.regions === undefined) return [this.place(deps, '')]
    const regions = await provider.regions({signal}).catch((error: unknown) => {
      if (isNamed || !isRunctlError(error)) throw error
      this.tellOnce(provider.name)(error)
      return []
    })
    return Promise.all(regions.map(async region => {
      const there = provider.inRegion?.(region) ?? provider
      const lenient = lenientProvider(there, signal, this.tellOnce(`${provider.name} in ${region}`))
      return this.place(await this.depsOf(provider.name, lenient), environmentPrefix(provider.name, 'region', region))
    }))
  }

  private place(deps: PlatformDeps, before: string): ResourcePlace {
    const {provider} = deps
    return {deps, before, scoped: id => this.depsOf(provider.name, provider, {footprint: this.newFootprint(), progress: scopedProgress(this.progress, id)})}
  }

  /** As they are shown: each says which instance it is about, and what runs on. */
  protected told(failures: readonly ItemFailure[]): readonly unknown[] {
    return failures.map(({deps, error, id}) => this.withFootprint(naming(id, error), deps.footprint))
  }
}
