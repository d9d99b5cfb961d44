import type {BudgetWindow, Ongoing} from '../model/budget.js'
import {costBetween, sumOfCosts, type Cost} from '../model/cost.js'
import {TAGS, type Instance} from '../model/instance.js'
import {stopsAtOf} from '../model/limits.js'
import type {PlatformDeps} from './platform-deps.js'
import {mergeSpendings, spendingBetween, type Spending} from './spending.js'

/** A machine of the project, or its disks, that is there now. */
export interface ProjectMachine extends Ongoing {
  readonly instance: Instance
}

/** What a project has cost, and what it has that goes on costing. */
export interface ProjectReview {
  /** One for each window, in their order. */
  readonly spent: readonly Cost[]
  readonly machines: readonly ProjectMachine[]
  /** What could not be asked, a sentence each: then there may be more. */
  readonly incomplete: readonly string[]
}

/** All windows end with the present moment. Asks every platform once. */
export async function reviewProject(
  {project, windows}: {readonly project: string; readonly windows: readonly BudgetWindow[]},
  platforms: readonly PlatformDeps[],
): Promise<ProjectReview> {
  const from = new Date(Math.min(...windows.map(window => window.from.getTime())))
  const to = new Date(Math.max(...windows.map(window => window.to.getTime())))
  const looks = await Promise.all(platforms.map(async deps => {
    const [report, instances] = await Promise.all([spendingBetween({from, to, project}, deps), livingOf(project, deps)])
    return {report, instances}
  }))
  const {incomplete, spendings} = mergeSpendings(looks.map(({report}) => report))
  const living = new Map(looks.flatMap(({instances}) => instances.map(instance => [keyOf(instance), instance] as const)))
  return {
    spent: windows.map(window => sumOfCosts(spendings.map(({segments}) => costBetween(segments, window.from, window.to)))),
    machines: spendings.flatMap(spending => {
      const instance = living.get(keyOf(spending))
      return instance === undefined || spending.gone ? [] : [machineOf(spending, instance)]
    }),
    incomplete,
  }
}

const keyOf = ({id, platform}: {readonly id: string; readonly platform: string}): string => `${platform} ${id}`

async function livingOf(project: string, {provider, signal}: PlatformDeps): Promise<readonly Instance[]> {
  const instances: Instance[] = []
  const query = {states: ['pending', 'running', 'stopping', 'stopped'] as const, tags: {[TAGS.project]: project}}
  for await (const instance of provider.describeInstances(query, {signal})) instances.push(instance)
  return instances
}

/** Its last segment says what it costs as it is now. */
function machineOf({segments}: Spending, instance: Instance): ProjectMachine {
  const present = segments.findLast(({to}) => to === null)
  const runs = instance.state === 'running' || instance.state === 'pending'
  return {
    instance,
    usdPerHour: runs ? (present?.usd_per_hour ?? null) : 0,
    storageUsdPerMonth: present?.storage_usd_per_month ?? null,
    stopsAt: stopsAtOf(instance.tags[TAGS.stopsAt]),
  }
}
