import {randomUUID} from 'node:crypto'
import {readFile, rename, rm, writeFile} from 'node:fs/promises'
import {join} from 'node:path'

interface Entry {
  readonly usd: number
  /** Milliseconds since 1970. */
  readonly at: number
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

  /** US dollars, for what the key names; null where nothing as young is known. */
  async get(key: string, maxAgeMs: number): Promise<number | null> {
    const entry = (await this.read()).get(key)
    if (!entry) return null
    const age = this.now().getTime() - entry.at
    return age >= 0 && age <= maxAgeMs ? entry.usd : null
  }

  /** Resolves when the file is written, as well as that could be done. */
  async put(prices: ReadonlyMap<string, number>): Promise<void> {
    if (prices.size === 0) return
    const entries = await this.read()
    for (const [key, usd] of prices) if (isPrice(usd)) entries.set(key, {usd, at: this.now().getTime()})
    this.writing = this.writing.then(() => this.write(entries))
    await this.writing
  }

  private read(): Promise<Map<string, Entry>> {
    return (this.entries ??= readFile(this.path, 'utf8').then(parseEntries, () => new Map<string, Entry>()))
  }

  private async write(entries: ReadonlyMap<string, Entry>): Promise<void> {
    const temporary = `${this.path}.${randomUUID()}`
    try {
      await writeFile(temporary, JSON.stringify({version: 1, prices: Object.fromEntries(entries)}), {mode: 0o600})
      await rename(temporary, this.path)
    } catch {
      await rm(temporary, {force: true}).catch(() => undefined)
    }
  }
}

function parseEntries(text: string): Map<string, Entry> {
  try {
    const file = JSON.parse(text) as {readonly version?: unknown; readonly prices?: Readonly<Record<string, Partial<Entry> | null>>} | null
    if (file?.version !== 1 || typeof file.prices !== 'object') return new Map()
    const whole = Object.entries(file.prices).filter(([, entry]) => isPrice(entry?.usd) && typeof entry?.at === 'number')
    return new Map(whole as [string, Entry][])
  } catch {
    return new Map()
  }
}

/** 0 would say that it costs nothing. */
export const isPrice = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value) && value > 0
