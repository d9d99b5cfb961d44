import {join} from 'node:path'

import {readKept, writeKept} from './kept-file.js'
import {isPrice} from './price-cache.js'
import type {PriceChange, SpotHistory} from './spot-history.js'

/** Nobody asks what a machine cost before that. */
const KEPT_MS = 400 * 86_400_000

/** Past spot prices in `aws-spot-history.json`: they never change, and EC2 forgets them after ninety days. */
export class SpotHistoryCache {
  private histories: Promise<Map<string, SpotHistory>> | undefined
  private writing: Promise<void> = Promise.resolve()
  private readonly path: string

  constructor(
    dataDir: string,
    private readonly now: () => Date,
  ) {
    this.path = join(dataDir, 'aws-spot-history.json')
  }

  async get(key: string): Promise<SpotHistory | null> {
    return (await this.read()).get(key) ?? null
  }

  /** Resolves when the file is written, as well as that could be done. */
  async put(histories: ReadonlyMap<string, SpotHistory>): Promise<void> {
    if (histories.size === 0) return
    const all = await this.read()
    const oldest = this.now().getTime() - KEPT_MS
    for (const [key, history] of histories) all.set(key, history)
    for (const [key, {to}] of all) if (to < oldest) all.delete(key)
    const asFile = Object.fromEntries([...all].map(([key, {changes, from, to}]) => [key, {from, to, changes: changes.map(({at, usd}) => [at, usd])}]))
    this.writing = this.writing.then(() => writeKept(this.path, {version: 1, histories: asFile}))
    await this.writing
  }

  private read(): Promise<Map<string, SpotHistory>> {
    return (this.histories ??= readKept(this.path).then(readHistories))
  }
}

function readHistories(value: unknown): Map<string, SpotHistory> {
  const file = value as {readonly version?: unknown; readonly histories?: unknown} | null | undefined
  if (file?.version !== 1 || typeof file.histories !== 'object' || file.histories === null) return new Map()
  const found = Object.entries(file.histories).map(([key, history]) => [key, readHistory(history)] as const)
  return new Map(found.filter((entry): entry is readonly [string, SpotHistory] => entry[1] !== null))
}

/** null for what is damaged: it is asked for again. */
function readHistory(value: unknown): SpotHistory | null {
  const {changes, from, to} = (value ?? {}) as {readonly changes?: unknown; readonly from?: unknown; readonly to?: unknown}
  if (typeof from !== 'number' || typeof to !== 'number' || !Array.isArray(changes)) return null
  const read = changes.map((change: unknown): PriceChange | null => {
    const [at, usd] = Array.isArray(change) ? (change as readonly unknown[]) : []
    return typeof at === 'number' && isPrice(usd) ? {at, usd} : null
  })
  return read.includes(null) ? null : {from, to, changes: read.filter(change => change !== null)}
}
