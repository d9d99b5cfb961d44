import type {CallOptions, ObjectInfo} from '../../src/providers/provider.js'
import {MemoryStore} from './memory-store.js'

/** A store whose objects have times of their own, and which counts what is asked of it. Pages of a thousand, as S3's. */
export class TimedStore extends MemoryStore {
  readonly calls: string[] = []
  readonly failures: Partial<Record<'folders' | 'get' | 'head' | 'list', Error>> = {}
  private readonly times = new Map<string, string>()
  private second = 0

  /** Each a second after the one before; a value that is no bytes is written as JSON. */
  lay(uri: string, value: unknown, at?: string): void {
    this.objects.set(uri, value instanceof Uint8Array ? value : Buffer.from(JSON.stringify(value)))
    this.times.set(uri, at ?? new Date(Date.parse('2026-11-23T12:00:00Z') + 1000 * ++this.second).toISOString())
  }

  count(call: string): number {
    return this.calls.filter(one => one.startsWith(`${call} `)).length
  }

  override async get(uri: string, options: CallOptions & {readonly range?: readonly [number, number]} = {}): Promise<Uint8Array> {
    this.note('get', uri)
    return super.get(uri, options)
  }

  override async head(uri: string, options: CallOptions = {}): Promise<ObjectInfo | null> {
    this.note('head', uri)
    return this.info(uri, options)
  }

  override async *list(uri: string, options: CallOptions = {}): AsyncIterable<ObjectInfo> {
    this.note('list', uri)
    const found = [...this.objects.keys()].filter(one => one.startsWith(uri)).sort()
    for (const [at, one] of found.entries()) {
      if (at > 0 && at % 1000 === 0) this.note('list', uri)
      const info = await this.info(one, options)
      if (info) yield info
    }
  }

  override async *folders(uri: string, options: CallOptions = {}): AsyncIterable<string> {
    this.note('folders', uri)
    yield* super.folders(uri, options)
  }

  private note(call: 'folders' | 'get' | 'head' | 'list', uri: string): void {
    this.calls.push(`${call} ${uri}`)
    const failure = this.failures[call]
    if (failure) throw failure
  }

  private async info(uri: string, options: CallOptions): Promise<ObjectInfo | null> {
    const info = await super.head(uri, options)
    return info && {...info, modifiedAt: this.times.get(uri) ?? info.modifiedAt}
  }
}
