import type {BudgetWindow, Ongoing} from '../model/budget.js'
import {costBetween, sumOfCosts, type Cost, type CostSegment} from '../model/cost.js'
import {isRunctlError} from '../model/errors.js'
import {TAGS, type Instance} from '../model/instance.js'
import {stopsAtOf} from '../model/limits.js'
import type {PlatformDeps} from './platform-deps.js'
import {mergeSpendings, spendingBetween, type SpendingInput, type SpendingReport} from './spending.js'

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

/** All windows end with the present moment. Every platform is looked at once, in each of its regions. Rejects where none of the first one answers. */
export async function reviewProject(
  {project, windows}: {readonly project: string; readonly windows: readonly BudgetWindow[]},
  platforms: readonly PlatformDeps[],
): Promise<ProjectReview> {
  const from = new Date(Math.min(...windows.map(window => window.from.getTime())))
  const to = new Date(Math.max(...windows.map(window => window.to.getTime())))
  const looks = (await Promise.all(platforms.map(async (deps, at) => lookEverywhere({from, to, project}, deps, at === 0)))).flat()
  const {incomplete, spendings} = mergeSpendings(looks)
  return {
    spent: windows.map(window => sumOfCosts(spendings.map(({segments}) => costBetween(segments, window.from, window.to)))),
    machines: spendings.flatMap(({gone, instance, segments}) => (instance === null || gone ? [] : [machineOf(segments, instance)])),
    incomplete,
  }
}

/** A region that does not answer is left out, and that is said. `strict`: not all of them. */
async function lookEverywhere(input: SpendingInput, deps: PlatformDeps, strict: boolean): Promise<readonly SpendingReport[]> {
  const places = await regionsOf(deps)
  const looks = await Promise.allSettled(places.map((place, at) =>
    // The records of all regions are in one place.
    spendingBetween({...input, livingOnly: at > 0}, place)))
  const failures = looks.flatMap(look => (look.status === 'rejected' ? [look.reason as unknown] : []))
  const bug = failures.find(failure => deps.signal.aborted || !isRunctlError(failure))
  if (bug !== undefined || (strict && failures.length === looks.length)) throw bug ?? failures[0]
  return looks.map((look, at): SpendingReport => {
    if (look.status === 'fulfilled') return look.value
    const where = [deps.provider.name, places[at]?.region].filter(word => word !== null).join(' in ')
    return {spendings: [], incomplete: [`${where} could not be asked: ${(look.reason as Error).message}`]}
  })
}

/** The same platform in each region of the account; just itself where it has none, or may not tell them. */
async function regionsOf(deps: PlatformDeps): Promise<readonly (PlatformDeps & {readonly region: string | null})[]> {
  const {provider, signal} = deps
  const inRegion = provider.inRegion?.bind(provider)
  if (!provider.regions || !inRegion) return [{...deps, region: null}]
  const regions = await provider.regions({signal}).catch((error: unknown) => {
    if (isRunctlError(error) && !signal.aborted) return []
    throw error
  })
  return regions.length === 0 ? [{...deps, region: null}] : regions.map(region => ({...deps, provider: inRegion(region), region}))
}

/** Its last segment says what it costs as it is now. */
function machineOf(segments: readonly CostSegment[], instance: Instance): ProjectMachine {
  const present = segments.findLast(({to}) => to === null)
  const runs = instance.state === 'running' || instance.state === 'pending'
  return {
    instance,
    usdPerHour: runs ? (present?.usd_per_hour ?? null) : 0,
    storageUsdPerMonth: present?.storage_usd_per_month ?? null,
    stopsAt: stopsAtOf(instance.tags[TAGS.stopsAt]),
  }
}
