import {Flags} from '@oclif/core'

import {setConfigValue} from '../../config/set-value.js'
import {setUpPlatform, type SetupResult} from '../../core/set-up-platform.js'
import {renderSetup} from '../../ui/setup-text.js'
import type {Rendered} from '../base-command.js'
import {PlatformCommand, type VerbFactory} from '../platform-command.js'

/** For platforms whose account must be prepared: their provider has the facet `setup`. */
export const setupCommand: VerbFactory = platform => {
  class Setup extends PlatformCommand<SetupResult> {
    static override summary = 'Prepare the account: what instances may do, and a bucket for outputs. Safe to repeat.'
    static override description = `Creates only what lacks and deletes nothing. Keeps the bucket's name in the user's configuration file, and prints the least rights with which a user can run every other command.`
    static override examples = [
      '<%= config.bin %> <%= command.id %> --dry-run',
      '<%= config.bin %> <%= command.id %> --read-bucket my-training-data',
      '<%= config.bin %> <%= command.id %> --attach INSTANCE',
    ]
    static override flags = {
      'dry-run': Flags.boolean({default: false, summary: 'Only say what is there and what would be made.'}),
      bucket: Flags.string({summary: "Name of the bucket. Default: the configured one, else one made of the account's number and the region."}),
      'read-bucket': Flags.string({multiple: true, multipleNonGreedy: true, helpValue: '<name>', summary: 'Let instances read training data from this bucket too. Repeatable.'}),
      attach: Flags.string({helpValue: '<instance>', summary: 'Give an instance that was made elsewhere the rights that new ones get, so that commands reach it.'}),
    }

    protected readonly platformName = platform

    protected async execute(): Promise<Rendered<SetupResult>> {
      const {flags} = await this.parse(Setup)
      const {configDir} = this.config
      const result = await setUpPlatform({
        dryRun: flags['dry-run'],
        bucket: flags.bucket ?? null,
        readBuckets: flags['read-bucket'] ?? [],
        attach: flags.attach ?? null,
        keep: async (name, value) =>
          (await setConfigValue({key: `${platform}.${name}`, value, target: 'user', cwd: process.cwd(), configDir, env: process.env})).file,
      }, await this.deps())
      return {value: result, text: renderSetup(result, this.renderEnv)}
    }
  }
  return Setup
}
