import {RunctlCommand, type Rendered} from '../cli/base-command.js'
import {showOverview, type Overview} from '../core/show-overview.js'
import {renderOverview} from '../ui/status-text.js'

export default class Status extends RunctlCommand<Overview> {
  static override summary = 'Show what runs now, on all platforms, and what it costs an hour.'
  static override examples = ['<%= config.bin %> <%= command.id %>']

  protected async execute(): Promise<Rendered<Overview>> {
    await this.parse(Status)
    const overview = await showOverview(await this.allPlatforms())
    return {value: overview, text: renderOverview(overview, this.renderEnv)}
  }
}
