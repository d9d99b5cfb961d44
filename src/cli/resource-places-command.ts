import {userInfo} from 'node:os'
import {Flags} from '@oclif/core'

import type {ItemFailure} from '../core/clean-up.js'
import type {ResourcePlace} from '../core/resource-place.js'
import {environmentPrefix} from './environment-prefix.js'
import {naming} from './instances-command.js'
import {ownerFlags, ResourcesCommand, type Places} from './resources-command.js'
import {scopedProgress} from './scoped-progress.js'

/** Of commands that change what they find. */
export const actFlags = {
  project: ownerFlags.project,
  owner: Flags.string({helpValue: '<name>', summary: 'Whose: what the owner tag says. Default: yours, by the name of your account on this machine. Nobody else\'s is touched.'}),
  'dry-run': Flags.boolean({default: false, summary: 'Only the plan. That is so without --yes in any case.', exclusive: ['yes']}),
  yes: Flags.boolean({default: false, summary: 'Do it. Nothing is asked.'}),
}

/** A command over all that exists which says, of each thing, the command that goes on with it. */
export abstract class ResourcePlacesCommand<T> extends ResourcesCommand<T> {
  protected get thisUser(): string {
    return userInfo().username
  }

  protected async resourcePlaces(places: Places): Promise<readonly ResourcePlace[]> {
    return (await this.regions(places)).map(({deps, region}) => {
      const {name} = deps.provider
      return {
        deps,
        before: region === null ? '' : environmentPrefix(name, 'region', region),
        scoped: id => this.platformDeps(name, {footprint: this.newFootprint(), progress: scopedProgress(this.progress, id)}, region ?? undefined),
      }
    })
  }

  /** Failures as they are shown: each says which thing it is about, and what runs on. */
  protected told(failures: readonly ItemFailure[]): readonly unknown[] {
    return failures.map(({deps, error, id}) => this.withFootprint(naming(id, error), deps.footprint))
  }
}
