import {userInfo} from 'node:os'
import {Flags} from '@oclif/core'

import {createInstance, type CreateResult} from '../../core/create-instance.js'
import {parseDuration} from '../../model/duration.js'
import {renderInstance} from '../../ui/instance-text.js'
import type {Rendered} from '../base-command.js'
import {durationFlag} from '../duration-flag.js'
import {newRequestId} from '../new-request-id.js'
import {PlatformCommand, type VerbFactory} from '../platform-command.js'

export const createCommand: VerbFactory = platform => {
  class Create extends PlatformCommand<CreateResult> {
    static override summary = `Create an instance on ${platform}.`
    static override description = 'Prints the instance id. Use --wait to return only when a command on it answers.'
    static override examples = ['<%= config.bin %> <%= command.id %> --wait', '<%= config.bin %> <%= command.id %> --name my-experiment --output json']
    static override flags = {
      name: Flags.string({summary: 'A name for people; ids are what commands take.'}),
      type: Flags.string({summary: 'Instance type, where the platform has several.'}),
      wait: Flags.boolean({default: false, summary: 'Wait until the instance answers.'}),
      timeout: durationFlag({summary: 'How long to wait for it.', default: parseDuration('10m'), defaultHelp: async () => '10m'}),
    }

    protected readonly platformName = platform

    protected async execute(): Promise<Rendered<CreateResult>> {
      const {flags} = await this.parse(Create)
      const config = await this.loadConfig()
      const input = {
        requestId: newRequestId(),
        name: flags.name ?? null,
        instanceType: flags.type ?? null,
        project: config.get('project.name'),
        owner: userInfo().username,
        version: this.config.version,
        wait: flags.wait,
        timeoutMs: flags.timeout,
      }
      const result = await createInstance(input, await this.deps())
      return {value: result, text: this.renderEnv.format === 'text' ? result.instance.id : renderInstance(result.instance, this.renderEnv)}
    }
  }
  return Create
}
