import type {Attempt} from './post.js'
import type {Kept, Spool, Waiting} from './spool.js'

export interface DeliverDeps {
  readonly spool: Pick<Spool, 'done' | 'giveUp' | 'waiting'>
  post(url: string, body: string, id: string): Promise<Attempt>
  /** Milliseconds since 1970. */
  now(): number
  sleep(ms: number): Promise<void>
  /** From 0 to 1. */
  random(): number
  /** false: another sender is at work. */
  isOurs(): Promise<boolean>
}

interface Pause {
  readonly failures: number
  readonly until: number
}

const FIRST_PAUSE_MS = 1000
const LONGEST_PAUSE_MS = 60_000
/** So soon a message to another address is seen while one address does not answer. */
const LOOK_EVERY_MS = 2000

/** Sends what waits, in order at each address, until nothing waits. An address that does not answer holds up no other one. */
export async function deliver(deps: DeliverDeps): Promise<void> {
  const pauses = new Map<string, Pause>()
  for (;;) {
    const first = firstOfEach(await deps.spool.waiting())
    if (first.length === 0 || !(await deps.isOurs())) return
    const ready = first.filter(({message}) => (pauses.get(message.url)?.until ?? 0) <= deps.now())
    await Promise.all(ready.map(kept => attempt(kept, pauses, deps)))
    if (ready.length > 0) continue
    const next = Math.min(...first.map(({message}) => pauses.get(message.url)?.until ?? 0))
    await deps.sleep(Math.max(1, Math.min(LOOK_EVERY_MS, next - deps.now())))
  }
}

function firstOfEach(waiting: readonly Kept<Waiting>[]): readonly Kept<Waiting>[] {
  const first = new Map<string, Kept<Waiting>>()
  for (const kept of waiting) if (!first.has(kept.message.url)) first.set(kept.message.url, kept)
  return [...first.values()]
}

async function attempt(kept: Kept<Waiting>, pauses: Map<string, Pause>, deps: DeliverDeps): Promise<void> {
  const {body, giveUpAt, id, url} = kept.message
  const {outcome, retryAfterMs, why} = await deps.post(url, body, id)
  if (outcome === 'delivered') {
    pauses.delete(url)
    await deps.spool.done(kept)
    return
  }
  if (outcome === 'refused') {
    await deps.spool.giveUp(kept, why, new Date(deps.now()))
    return
  }
  const failures = (pauses.get(url)?.failures ?? 0) + 1
  const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failures - 1))
  const until = deps.now() + Math.max(retryAfterMs ?? 0, longest * (0.5 + deps.random() / 2))
  // Not worth the wait: at its end the message would be given up.
  if (until > giveUpAt) {
    await deps.spool.giveUp(kept, why, new Date(deps.now()))
    pauses.set(url, {failures, until: retryAfterMs === null ? deps.now() : until})
    return
  }
  pauses.set(url, {failures, until})
}
