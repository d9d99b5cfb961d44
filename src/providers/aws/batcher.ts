import {orAborted} from './call-aws.js'
import {sharedAbort} from './shared-abort.js'

/** How one of the items that travelled together came out. */
export type Outcome<R> = {readonly value: R} | {readonly error: unknown}

interface Waiting<I, R> {
  readonly item: I
  readonly signal: AbortSignal | undefined
  settle(outcome: Outcome<R>): void
}

/** What is asked for in one turn always travels together; with `quietMs` what follows it does, until nothing has come for so long, or `mostMs`. */
export interface Gathering {
  readonly quietMs: number
  readonly mostMs: number
}

/**
 * Carries together what is asked for in one turn of the event loop (or while it gathers), at most `max` items a call. A call is cancelled when everyone who waits
 * for it has cancelled; whoever cancels alone leaves it to the others.
 */
export class Batcher<I, R> {
  private waiting: Waiting<I, R>[] = []
  private timer: NodeJS.Timeout | undefined
  private deadline = 0

  constructor(
    private readonly max: number,
    /** One outcome an item, in their order. A rejection is everyone's. */
    private readonly carry: (items: readonly I[], signal: AbortSignal) => Promise<readonly Outcome<R>[]>,
    private readonly gathering: Gathering | null = null,
  ) {}

  async add(item: I, signal?: AbortSignal): Promise<R> {
    signal?.throwIfAborted()
    const answer = new Promise<R>((resolve, reject) => {
      const settle = (outcome: Outcome<R>): void => ('error' in outcome ? reject(outcome.error) : resolve(outcome.value))
      this.schedule(this.waiting.length === 0)
      this.waiting.push({item, signal, settle})
    })
    return signal ? orAborted(answer, signal) : answer
  }

  private schedule(isFirst: boolean): void {
    if (!this.gathering) {
      if (isFirst) setImmediate(() => this.flush())
      return
    }
    const {mostMs, quietMs} = this.gathering
    if (isFirst) this.deadline = Date.now() + mostMs
    clearTimeout(this.timer)
    this.timer = setTimeout(() => this.flush(), Math.max(0, Math.min(quietMs, this.deadline - Date.now())))
  }

  private flush(): void {
    const all = this.waiting.filter(({signal}) => !signal?.aborted)
    this.waiting = []
    for (let start = 0; start < all.length; start += this.max) void this.send(all.slice(start, start + this.max))
  }

  private async send(members: readonly Waiting<I, R>[]): Promise<void> {
    const controller = sharedAbort()
    const onAbort = (): void => {
      if (members.every(({signal}) => signal?.aborted)) controller.abort(members[0]?.signal?.reason)
    }
    for (const {signal} of members) signal?.addEventListener('abort', onAbort)
    try {
      const outcomes = await this.carry(members.map(({item}) => item), controller.signal)
      for (const [index, member] of members.entries()) member.settle(outcomes[index] ?? {error: new Error('a batch lacks an outcome')})
    } catch (error) {
      for (const member of members) member.settle({error})
    } finally {
      for (const {signal} of members) signal?.removeEventListener('abort', onAbort)
    }
  }
}

/**
 * Does the same for many ids in one call. AWS refuses all for one bad id: then halves go separately, until it is known which. `isOnesFault`
 * tells such refusals from failures that would meet every half as well.
 */
export async function forEachHalving<R>(
  ids: readonly string[],
  call: (ids: readonly string[]) => Promise<ReadonlyMap<string, R>>,
  isOnesFault: (error: unknown) => boolean,
): Promise<ReadonlyMap<string, Outcome<R>>> {
  try {
    return new Map([...(await call(ids))].map(([id, value]) => [id, {value}]))
  } catch (error) {
    if (ids.length === 1 || !isOnesFault(error)) return new Map(ids.map(id => [id, {error}]))
    const middle = Math.ceil(ids.length / 2)
    const [first, second] = await Promise.all([
      forEachHalving(ids.slice(0, middle), call, isOnesFault),
      forEachHalving(ids.slice(middle), call, isOnesFault),
    ])
    return new Map([...first, ...second])
  }
}
