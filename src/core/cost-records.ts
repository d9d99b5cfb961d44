import {mkdir, readdir, readFile, rename, writeFile} from 'node:fs/promises'
import path from 'node:path'
import {randomUUID} from 'node:crypto'

import {closedAt, monthAround, type CostRecord, type CostSegment} from '../model/cost.js'
import {causeOf, segmentsOf} from '../model/cost-of-instance.js'
import {isRunctlError} from '../model/errors.js'
import type {Instance} from '../model/instance.js'
import {isFree, knownPrices, type InstancePrices} from './instance-cost.js'
import type {PlatformDeps} from './platform-deps.js'

type Deps = Pick<PlatformDeps, 'provider' | 'recordsDir' | 'signal'>

/** So many records are fetched at once. */
const AT_ONCE = 16

/**
 * Writes down what an instance cost that is being terminated: under each month that it existed in, in the platform's store where that keeps records,
 * else on this machine. Nothing for what costs nothing. A failure is a warning. `before`: as it was when it was asked to go.
 */
export async function recordCost(before: Instance, prices: InstancePrices, end: Date, deps: Deps & Pick<PlatformDeps, 'progress'>): Promise<void> {
  if (isFree(prices)) return
  const segments = closedAt(segmentsOf(before, knownPrices(prices), end), end)
  const record: CostRecord = {
    version: 1,
    ...causeOf(before),
    created_at: before.createdAt,
    ended_at: end.toISOString(),
    segments,
  }
  const months = monthsOf(new Date(segments[0]?.from ?? end), end)
  try {
    await Promise.all(months.map(month => write(`${month}/${encodeURIComponent(before.id)}.json`, Buffer.from(`${JSON.stringify(record)}\n`), deps)))
  } catch (error) {
    if (deps.signal.aborted || !isExpected(error)) throw error
    deps.progress.emit({type: 'warning', message: `what ${before.id} has cost will not be in later summaries: ${messageOf(error)}`})
  }
}

export interface RecordsFound {
  /** Each instance once. */
  readonly records: readonly CostRecord[]
  /** What could not be read, a sentence each. */
  readonly incomplete: readonly string[]
}

/** The records of what ended or existed in these months (`2026-11`). Those of the store and those of this machine. */
export async function readCostRecords(from: Date, to: Date, deps: Deps): Promise<RecordsFound> {
  const records = new Map<string, CostRecord>()
  const incomplete: string[] = []
  for (const look of [inStore, onThisMachine]) {
    try {
      for (const text of await look(monthsOf(from, to), deps)) {
        const record = parse(text)
        if (record === null) incomplete.push('a record of what an instance cost cannot be read, and is not counted')
        else if (record.platform === deps.provider.name) records.set(record.id, record)
      }
    } catch (error) {
      if (deps.signal.aborted || !isExpected(error)) throw error
      incomplete.push(`what terminated instances cost is not known: ${messageOf(error)}`)
    }
  }
  return {records: [...records.values()], incomplete: [...new Set(incomplete)]}
}

/** `2026-11`, each month (UTC) that a time touches. */
export function monthsOf(from: Date, to: Date): readonly string[] {
  const months: string[] = []
  let at = monthAround(from.getTime())[0]
  do {
    months.push(new Date(at).toISOString().slice(0, 7))
    at = monthAround(at)[1]
  } while (at < to.getTime())
  return months
}

const folderOf = ({provider, recordsDir}: Deps): string => path.join(recordsDir, provider.name)
const prefixOf = ({provider}: Deps): string | null => (provider.store?.records === undefined ? null : `${provider.store.records}costs/`)

async function write(name: string, content: Uint8Array, deps: Deps): Promise<void> {
  const prefix = prefixOf(deps)
  if (prefix !== null) {
    await deps.provider.store?.put(`${prefix}${name}`, content, {signal: deps.signal})
    return
  }
  const file = path.join(folderOf(deps), name)
  await mkdir(path.dirname(file), {recursive: true})
  const draft = `${file}.${randomUUID()}`
  await writeFile(draft, content)
  await rename(draft, file)
}

async function inStore(months: readonly string[], deps: Deps): Promise<readonly string[]> {
  const {signal} = deps
  const {store} = deps.provider
  const prefix = prefixOf(deps)
  if (!store || prefix === null) return []
  const uris = (await Promise.all(months.map(async month => {
    const found: string[] = []
    for await (const {uri} of store.list(`${prefix}${month}/`, {signal})) found.push(uri)
    return found
  }))).flat()
  // The same instance lies under each of its months, and once is enough.
  const once = [...new Map(uris.map(uri => [uri.slice(uri.lastIndexOf('/')), uri])).values()]
  const texts: string[] = []
  for (let at = 0; at < once.length; at += AT_ONCE) {
    const some = await Promise.all(once.slice(at, at + AT_ONCE).map(uri => store.get(uri, {signal})))
    texts.push(...some.map(bytes => Buffer.from(bytes).toString('utf8')))
  }
  return texts
}

async function onThisMachine(months: readonly string[], deps: Deps): Promise<readonly string[]> {
  const files = await Promise.all(months.map(async month => {
    const folder = path.join(folderOf(deps), month)
    const names = await readdir(folder).catch((error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
      throw error
    })
    return names.filter(name => name.endsWith('.json')).map(name => [name, path.join(folder, name)] as const)
  }))
  return Promise.all([...new Map(files.flat()).values()].map(file => readFile(file, 'utf8')))
}

const isExpected = (error: unknown): boolean => isRunctlError(error) || (error instanceof Error && 'syscall' in error)
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** null for what is no record: the store is open to others. */
function parse(text: string): CostRecord | null {
  try {
    const read = JSON.parse(text) as Partial<CostRecord> | null
    if (read?.version !== 1 || typeof read.id !== 'string' || typeof read.platform !== 'string' || !isTime(read.ended_at) || !Array.isArray(read.segments)) return null
    const segments = read.segments.map(asSegment)
    if (segments.some(segment => segment === null)) return null
    return {
      version: 1, id: read.id, platform: read.platform, ended_at: read.ended_at, segments: segments.filter(segment => segment !== null),
      name: textOr(read.name), region: textOr(read.region), instance_type: textOr(read.instance_type), project: textOr(read.project), owner: textOr(read.owner),
      created_at: isTime(read.created_at) ? read.created_at : null,
    }
  } catch {
    return null
  }
}

function asSegment(value: unknown): CostSegment | null {
  const read = value as Partial<CostSegment> | null
  if (typeof read !== 'object' || read === null || !isTime(read.from) || !isTime(read.to) || !(read.kind === 'on-demand' || read.kind === 'spot' || read.kind === 'stopped')) return null
  if (!isMoney(read.usd_per_hour) || !isMoney(read.storage_usd_per_month) || typeof read.begins_with_start !== 'boolean') return null
  return {
    from: read.from, to: read.to, kind: read.kind, instance_type: textOr(read.instance_type), usd_per_hour: read.usd_per_hour,
    storage_usd_per_month: read.storage_usd_per_month, price_source: textOr(read.price_source), begins_with_start: read.begins_with_start,
  }
}

const isTime = (value: unknown): value is string => typeof value === 'string' && !Number.isNaN(Date.parse(value))
const isMoney = (value: unknown): value is number | null => value === null || (typeof value === 'number' && value >= 0)
const textOr = (value: unknown): string | null => (typeof value === 'string' ? value : null)
