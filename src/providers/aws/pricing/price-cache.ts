import {join} from 'node:path'

import {readKept, writeKept} from './kept-file.js'

interface Entry {
  readonly usd: number
  /** Milliseconds since 1970. */
  readonly at: number
}

export interface KeptPrice {
  /** US dollars. */
  readonly usd: number
  /** ISO 8601, UTC. When AWS was asked. */
  readonly asOf: string
}

/** Prices in `aws-prices.json`, kept between commands. A file that cannot be read or written is no reason to fail: prices are asked for again. */
export class PriceCache {
  private entries: Promise<Map<string, Entry>> | undefined
  private writing: Promise<void> = Promise.resolve()
  private readonly path: string

  constructor(
    dataDir: string,
    private readonly now: () => Date,
  ) {
    this.path = join(dataDir, 'aws-prices.json')
  }

  /** What is known for the key, and since when; null where nothing as young is. */
  async get(key: string, maxAgeMs: number): Promise<KeptPrice | null> {
    const entry = (await this.read()).get(key)
    if (!entry) return null
    const age = this.now().getTime() - entry.at
    return age >= 0 && age <= maxAgeMs ? {usd: entry.usd, asOf: new Date(entry.at).toISOString()} : null
  }

  /** Resolves when the file is written, as well as that could be done. */
  async put(prices: ReadonlyMap<string, number>): Promise<void> {
    if (prices.size === 0) return
    const entries = await this.read()
    for (const [key, usd] of prices) if (isPrice(usd)) entries.set(key, {usd, at: this.now().getTime()})
    this.writing = this.writing.then(() => writeKept(this.path, {version: 1, prices: Object.fromEntries(entries)}))
    await this.writing
  }

  private read(): Promise<Map<string, Entry>> {
    return (this.entries ??= readKept(this.path).then(readEntries))
  }
}

function readEntries(value: unknown): Map<string, Entry> {
  const file = value as {readonly version?: unknown; readonly prices?: Readonly<Record<string, Partial<Entry> | null>> | null} | null | undefined
  if (file?.version !== 1 || typeof file.prices !== 'object' || file.prices === null) return new Map()
  const whole = Object.entries(file.prices).filter(([, entry]) => isPrice(entry?.usd) && typeof entry?.at === 'number')
  return new Map(whole as [string, Entry][])
}

/** 0 would say that it costs nothing. */
export const isPrice = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value) && value > 0
