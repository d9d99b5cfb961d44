import {Command} from '@oclif/core'

import {summarize} from '../../summarize.js'

export default class TeamWho extends Command {
  static enableJsonFlag = true
  static summary = 'Who has which machines, and what they cost an hour.'
  static examples = ['<%= config.bin %> <%= command.id %>', '<%= config.bin %> <%= command.id %> --json']

  async run() {
    await this.parse(TeamWho)
    const {failures, successes} = await this.config.runHook('runctl-api', {}, undefined, true)
    if (failures[0]) throw failures[0].error
    const {rows, warnings} = await summarize(successes[0].result)
    for (const warning of warnings) this.logToStderr(`Warning: ${warning}`)
    for (const {cost_per_hour, instances, owner} of rows) {
      const cost = cost_per_hour === null ? 'cost unknown' : `$${cost_per_hour.toFixed(2)}/h`
      // Owners come from tags, which anybody may write.
      this.log(`${JSON.stringify(owner ?? 'nobody')}: ${cost}, ${instances.map(({id}) => id).join(' ')}`)
    }
    return rows
  }
}
