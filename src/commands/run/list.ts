import {Flags} from '@oclif/core'

import {RunctlCommand, type Rendered} from '../../cli/base-command.js'
import {listRuns, type RunRow} from '../../core/list-runs.js'
import {renderRunList} from '../../ui/run-text.js'

export default class RunList extends RunctlCommand<readonly RunRow[]> {
  static override summary = 'List training runs, newest first.'
  static override description = 'Runs are kept on their instance: those of a stopped instance are listed when it runs again.'
  static override examples = ['<%= config.bin %> <%= command.id %>', '<%= config.bin %> <%= command.id %> --instance-id INSTANCE']
  static override flags = {
    'instance-id': Flags.string({summary: 'Only the runs of this instance.'}),
    limit: Flags.integer({default: 20, min: 1, max: 1000, summary: 'The most runs of each instance.'}),
  }

  protected async execute(): Promise<Rendered<readonly RunRow[]>> {
    const {flags} = await this.parse(RunList)
    const id = flags['instance-id'] ?? null
    const platforms = id === null ? await this.allPlatforms() : [await this.platformDeps((await this.platforms()).ownerOf(id))]
    const list = await listRuns({instanceId: id, limit: flags.limit}, platforms)
    for (const {instance_id, why} of list.unasked) this.progress.emit({type: 'note', message: `${instance_id} was not asked: ${why}`})
    return {value: list.runs, text: renderRunList(list.runs, this.renderEnv)}
  }
}
