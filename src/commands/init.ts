import {Flags} from '@oclif/core'

import type {Rendered} from '../cli/base-command.js'
import {ConfigCommand} from '../cli/config-command.js'
import type {InitResult} from '../model/config-answers.js'
import {renderInit} from '../ui/config-text.js'

export default class Init extends ConfigCommand<InitResult> {
  static override summary = 'Write a commented .runctl.toml into this folder, which makes it a project.'
  static override examples = ['<%= config.bin %> <%= command.id %>', '<%= config.bin %> <%= command.id %> --name my-model']
  static override flags = {
    name: Flags.string({summary: "The project's name; the folder's name where absent."}),
    force: Flags.boolean({default: false, summary: 'Replace a .runctl.toml that is there already.'}),
  }

  protected async execute(): Promise<Rendered<InitResult>> {
    const {flags} = await this.parse(Init)
    const name = flags.name === undefined ? {} : {name: flags.name}
    const value = await this.initProject({...name, force: flags.force})
    return {value, text: renderInit(value)}
  }
}
