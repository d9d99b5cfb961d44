import {Flags} from '@oclif/core'

import type {Rendered} from '../../cli/base-command.js'
import {placeFlags, ResourcesCommand} from '../../cli/resources-command.js'
import {SUMMARY_GROUPS, summarizeSpending, type SpendingSummary} from '../../core/summarize-spending.js'
import {systemClock} from '../../core/system-clock.js'
import {renderSummary} from '../../ui/summary-text.js'

export default class ResourcesSummary extends ResourcesCommand<SpendingSummary> {
  static override summary = 'Show what was spent today and this month, and what it will be by its end.'
  static override description = 'Estimated, in US dollars, from the prices that were paid at the time. Days and months are those of UTC.'
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --by owner --all-regions',
    '<%= config.bin %> <%= command.id %> --month 2026-10 --project mnist --json',
  ]
  static override flags = {
    ...placeFlags,
    by: Flags.option({options: SUMMARY_GROUPS, default: 'project', summary: 'What to add up by.'})(),
    month: Flags.string({helpValue: 'YYYY-MM', summary: 'A month that is over. Default: the present one.'}),
    project: Flags.string({summary: 'Only what belongs to this project.'}),
  }

  protected async execute(): Promise<Rendered<SpendingSummary>> {
    const {flags} = await this.parse(ResourcesSummary)
    const input = {by: flags.by, month: flags.month ?? null, project: flags.project ?? null}
    const value = await summarizeSpending(input, systemClock.now(), await this.places(flags))
    return {value, text: renderSummary(value, this.renderEnv)}
  }
}
