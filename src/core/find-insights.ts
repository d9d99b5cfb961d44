import {byDollars, type Insight} from '../model/insight.js'
import {TAGS, type Instance} from '../model/instance.js'
import type {Holding, HoldingKind} from '../providers/provider.js'
import {gatherFacts} from './insight-facts.js'
import {findingsOf, ownerFlag} from './insight-rules.js'
import {listInstances} from './list-resources.js'
import {listHoldings, nowThere} from './plan-cleanup.js'
import {inPlace, type ResourcePlace} from './resource-place.js'

export interface InsightsInput {
  /** Only this project's; null: all. */
  readonly project: string | null
  /** Only this owner's; null: everybody's. */
  readonly owner: string | null
}

const HOLDINGS: readonly HoldingKind[] = ['address', 'snapshot', 'volume']

/** What was measured and could be mended, the dearest first. Instances are asked what runs on them; what does not answer in time is judged by its tags alone. */
export async function findInsights(input: InsightsInput, places: readonly ResourcePlace[]): Promise<readonly Insight[]> {
  const all = await Promise.all(places.map(async place => (await Promise.all([ofInstances(input, place), ofHoldings(input, place)])).flat()))
  return all.flat().toSorted(byDollars)
}

async function ofInstances(input: InsightsInput, place: ResourcePlace): Promise<readonly Insight[]> {
  const {deps} = place
  const instances = (await listInstances(['pending', 'running', 'stopping', 'stopped'], deps)).filter(({tags}) => isWanted(tags, input))
  const facts = await gatherFacts(instances, await nowThere(deps), deps)
  return facts.flatMap(one => findingsOf(one).filter(({kind}) => kind !== 'no-limit' || deps.provider.selfStop !== undefined).map(finding => insight(one.instance, finding, place)))
}

async function ofHoldings(input: InsightsInput, place: ResourcePlace): Promise<readonly Insight[]> {
  const holdings = await listHoldings({kinds: HOLDINGS, isKindNamed: false}, place)
  return holdings.filter(({attachedTo, tags}) => attachedTo === null && isWanted(tags, input)).map(holding => insight({...holding, platform: place.deps.provider.name}, {
    kind: 'unattached',
    finding: holdingWords(holding),
    usd_per_month: holding.usdPerMonth,
    at_risk_usd: null,
    command: TAGS.createdBy in holding.tags ? `runctl resources cleanup --platform ${place.deps.provider.name} --kind ${holding.kind}${ownerFlag(holding.tags[TAGS.owner])}` : null,
  }, place))
}

function holdingWords({createdAt, kind, sizeGib, tags, type}: Holding): string {
  const size = [...(sizeGib === null ? [] : [`${sizeGib} GiB`]), ...(type === null ? [] : [type])].join(' ')
  const made = createdAt === null ? '' : `, made on ${createdAt.slice(0, 10)}`
  const not = TAGS.createdBy in tags ? '' : '; runctl did not make it'
  return `${{address: 'an address', snapshot: 'a snapshot', volume: 'a disk'}[kind]}${size === '' ? '' : ` (${size})`}${made}, attached to nothing${not}`
}

const isWanted = (tags: Instance['tags'], {owner, project}: InsightsInput): boolean =>
  (project === null || tags[TAGS.project] === project) && (owner === null || tags[TAGS.owner] === owner)

type Subject = Pick<Instance, 'id' | 'name' | 'platform' | 'region' | 'tags'>

function insight({id, name, platform, region, tags}: Subject, {command, ...finding}: Pick<Insight, 'at_risk_usd' | 'command' | 'finding' | 'kind' | 'usd_per_month'>, place: ResourcePlace): Insight {
  return {
    ...finding, id, name, platform, region, project: tags[TAGS.project] ?? null, owner: tags[TAGS.owner] ?? null,
    command: command === null ? null : command.split(' && ').map(part => inPlace(place, part)).join(' && '),
  }
}
