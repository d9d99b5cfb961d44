import {Args} from '@oclif/core'

import {RunctlCommand, type Rendered} from '../cli/base-command.js'
import {refreshBehindTheBack} from '../cli/refresh-values.js'
import type {RefreshedPlatform} from '../core/refresh-values.js'

/** Started by completion, behind the back of who completes. */
export default class Refresh extends RunctlCommand<readonly RefreshedPlatform[]> {
  static override hidden = true
  static override summary = 'Look anew at what completion offers.'
  static override args = {platform: Args.string({required: true, multiple: true, ignoreStdin: true, description: 'The platforms to look at.'})}

  protected async execute(): Promise<Rendered<readonly RefreshedPlatform[]>> {
    const {args} = await this.parse(Refresh)
    const [platforms, plugins] = await Promise.all([this.platforms(), this.addedPlugins()])
    const value = await refreshBehindTheBack(args.platform, {platforms, plugins, cacheDir: this.config.cacheDir, signal: this.signal})
    return {value, text: value.map(({platform, why}) => `${platform}: ${why ?? 'refreshed'}\n`).join('')}
  }
}
