import {setMaxListeners} from 'node:events'

import {TAGS, type Instance, type InstanceState} from '../model/instance.js'
import type {HoldingKind} from '../providers/provider.js'
import {inOrder, inPages} from './in-order.js'
import {listHoldings, type ListedRow} from './list-holdings.js'
import {resourceRows, type ResourceRow} from './list-resources.js'
import type {PlatformDeps} from './platform-deps.js'
import {ASK_WITHIN_MS} from './ask-in-time.js'
import {askInTime, isOurs, SILENCE, withAnswer} from './resources-at-risk.js'
import {SortedRows, type ResourceSort} from './sort-resources.js'

export interface ListAllInput {
  readonly kinds: ReadonlySet<HoldingKind | 'instance'>
  /** Of instances. Empty: all but terminated ones. */
  readonly states: readonly InstanceState[]
  /** Every one must match exactly. */
  readonly tags: Readonly<Record<string, string>>
  /** Of instances, in the platform's own words; null: none. */
  readonly filters: Readonly<Record<string, readonly string[]>> | null
  /** The running instances are asked what runs on them. */
  readonly ask: boolean
  readonly sort: ResourceSort | null
  readonly limit: number | null
  /** The most rows of a page. */
  readonly pageSize?: number
}

type Deps = Pick<PlatformDeps, 'agent' | 'clock' | 'progress' | 'provider' | 'signal'>

/** So many can be looked up in one call: a disk's price is asked for by its instance. */
const PAGE_SIZE = 200
const LIVING: readonly InstanceState[] = ['pending', 'running', 'stopping', 'stopped', 'shutting-down']

/** Tags that say whose something is. */
export function tagsOf({owner, project, tags}: {readonly owner: string | null; readonly project: string | null; readonly tags: Readonly<Record<string, string>>}): ListAllInput['tags'] {
  return {...tags, ...(project === null ? {} : {[TAGS.project]: project}), ...(owner === null ? {} : {[TAGS.owner]: owner})}
}

/**
 * What exists and what it costs, of all platforms (or regions) at once, page by page: no more is held than the page that is used and the next
 * one of each. A page has instances alone, oldest first, or other things alone; instances come first, the platforms in the order given.
 * A sort needs all rows before the first; with a limit it holds twice so many at most. What lies beyond the limit is not asked for.
 */
export async function* listAllResources(input: ListAllInput, platforms: readonly Deps[]): AsyncGenerator<readonly ListedRow[], void, undefined> {
  const done = new AbortController()
  try {
    const pages = everything(input, platforms.map(deps => ({...deps, signal: eitherOf(deps.signal, done.signal)})))
    yield* input.sort === null ? first(pages, input.limit ?? Infinity) : sorted(pages, input.sort, input.limit ?? Infinity, pageSizeOf(input))
  } finally {
    done.abort(new DOMException('no more rows are wanted', 'AbortError'))
  }
}

/** Heard by all the calls for a page. */
function eitherOf(...signals: readonly AbortSignal[]): AbortSignal {
  const signal = AbortSignal.any([...signals])
  setMaxListeners(0, signal)
  return signal
}

const pageSizeOf = ({limit, pageSize = PAGE_SIZE, sort}: ListAllInput): number => (sort === null ? Math.min(pageSize, limit ?? pageSize) : pageSize)

async function* everything(input: ListAllInput, platforms: readonly Deps[]): AsyncGenerator<readonly ListedRow[], void, undefined> {
  const kinds = [...input.kinds].filter(kind => kind !== 'instance')
  yield* inOrder<readonly ListedRow[]>([
    ...(input.kinds.has('instance') ? platforms.map(deps => instancePages(input, deps)) : []),
    ...platforms.map(deps => listHoldings({kinds, tags: input.tags, pageSize: pageSizeOf(input)}, deps)),
  ])
}

async function* first(pages: AsyncIterable<readonly ListedRow[]>, limit: number): AsyncGenerator<readonly ListedRow[], void, undefined> {
  let left = limit
  for await (const page of pages) {
    yield page.slice(0, left)
    left -= page.length
    if (left <= 0) return
  }
}

async function* sorted(pages: AsyncIterable<readonly ListedRow[]>, sort: ResourceSort, limit: number, pageSize: number): AsyncGenerator<readonly ListedRow[], void, undefined> {
  const kept = new SortedRows(sort, limit)
  for await (const page of pages) kept.add(page)
  const rows = kept.first()
  const others = rows.findIndex(({kind}) => kind !== 'instance')
  for (const group of others === -1 ? [rows] : [rows.slice(0, others), rows.slice(others)]) {
    for (let at = 0; at < group.length; at += pageSize) yield group.slice(at, at + pageSize)
  }
}

async function* instancePages(input: ListAllInput, deps: Deps): AsyncGenerator<readonly ResourceRow[], void, undefined> {
  const query = {
    states: input.states.length > 0 ? input.states : LIVING,
    ...(Object.keys(input.tags).length > 0 ? {tags: input.tags} : {}),
    ...(input.filters === null ? {} : {filters: input.filters}),
  }
  const asking = new Asking(deps)
  for await (const page of inPages(deps.provider.describeInstances(query, {signal: deps.signal}), pageSizeOf(input))) {
    const instances = page.toSorted(byAge)
    const [rows, runs] = await Promise.all([resourceRows(instances, deps), input.ask ? asking.ask(instances) : null])
    yield runs === null ? rows : rows.map(row => withAnswer(row, runs.get(row.id) ?? SILENCE, deps.clock.now()))
  }
  asking.tell()
}

const byAge = (a: Instance, b: Instance): number => (a.createdAt ?? '').localeCompare(b.createdAt ?? '') || a.id.localeCompare(b.id)

/** Asks page after page, but for no longer than a list may take: what comes later is listed by its tags, and that is said. */
class Asking {
  private readonly until: number
  private unasked = 0

  constructor(private readonly deps: Deps) {
    this.until = deps.clock.now().getTime() + ASK_WITHIN_MS
  }

  async ask(instances: readonly Instance[]): ReturnType<typeof askInTime> {
    const ours = instances.filter(isOurs)
    const leftMs = this.until - this.deps.clock.now().getTime()
    if (leftMs > 0) return askInTime(ours, this.deps, leftMs)
    this.unasked += ours.length
    return new Map()
  }

  tell(): void {
    if (this.unasked === 0) return
    const message = `${this.unasked} running instances were not asked what runs on them, because the others took long: they are listed by their tags`
    this.deps.progress.emit({type: 'note', message})
  }
}
