import {userInfo} from 'node:os'
import {Flags} from '@oclif/core'

import type {Configuration} from '../config/load-configuration.js'
import type {BudgetTerms} from '../core/check-budget.js'
import type {PlatformDeps} from '../core/platform-deps.js'
import type {Progress} from '../core/progress.js'
import type {BudgetPeriod} from '../model/budget.js'
import type {CommandChange} from './same-command.js'

/** Of every command that makes or starts machines. */
export const budgetFlag = {
  'over-budget': Flags.boolean({default: false, summary: "Go over the project's budget on purpose. Who did, and when, is kept in a tag of the instance."}),
}

interface Values {
  readonly 'over-budget': boolean
  readonly 'project-name'?: string | undefined
}

/** What a command lends for it. */
export interface BudgetHost {
  readonly platforms: () => Promise<readonly PlatformDeps[]>
  readonly again: (change: CommandChange) => string
  readonly progress: Progress
}

/** Without amounts in the configuration there is no `budget`, and nothing is asked for one. */
export function budgetTerms(config: Configuration, flags: Values, host: BudgetHost): {readonly budget?: BudgetTerms} {
  const isSet = config.get('budget.day') !== null || config.get('budget.month') !== null
  if (!isSet) {
    if (flags['over-budget']) host.progress.emit({type: 'note', message: 'there is no budget here: --over-budget has nothing to go over'})
    return {}
  }
  // What a project's own file says is about that project; a machine that is started may be another's.
  const own = [config.get('project.name'), flags['project-name']]
  const amount = (period: BudgetPeriod, project: string): number | null =>
    config.origin(`budget.${period}`).source !== 'project' || own.includes(project) ? config.get(`budget.${period}`) : null
  return {
    budget: {
      amountsOf: project => ({day: amount('day', project), month: amount('month', project), warnAt: config.get('budget.warn_at')}),
      overBy: flags['over-budget'] ? userInfo().username : null,
      platforms: host.platforms,
      again: plus => host.again({without: plus[0] === '--max-hours' ? [{flag: 'max-hours', takesValue: true}] : [], plus}),
      memory: {reviews: new Map(), granted: new Map()},
    },
  }
}
