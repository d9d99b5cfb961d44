/** As many calls to one instance at once: a cloud's agent takes five, and somebody may want to stop it meanwhile. */
export const CALLS_AT_ONCE = 4

const SMALL_CALL_BYTES = 1 << 20
/** A transfer of this many calls is worth a word about other ways. */
const MANY_CALLS = 40

/** Where calls carry little, the way to the instance and back is what takes the time: several are made at once. */
export const callsAtOnce = (callBytes: number): number => (callBytes < SMALL_CALL_BYTES ? CALLS_AT_ONCE : 1)

/** Words about a transfer that takes many small calls; null where it does not. `betterWay`: `runctl aws setup`, where the platform has one. */
export function warnOfManyCalls(bytes: string, count: number, callBytes: number, betterWay: string | undefined): string | null {
  if (callBytes >= SMALL_CALL_BYTES || count <= MANY_CALLS) return null
  const advice = betterWay === undefined ? 'quicker: let the script fetch large data itself' : `quicker with a bucket that both sides reach: ${betterWay}`
  return `${bytes} go through the platform's shell in up to ${count} calls; ${advice}`
}

/** Answers that are asked for before their turn, by what was asked. One that is not wanted after all is waited for and dropped. */
export class CallsAhead<Answer> {
  private readonly open = new Map<string, Promise<Answer>>()

  constructor(private readonly call: (request: string) => Promise<Answer>) {}

  /** Makes the first of these calls and, beside it, those that come after it; gives the first one's answer. */
  async take(requests: readonly string[]): Promise<Answer> {
    const [first] = requests
    if (first === undefined) throw new Error('nothing is asked')
    for (const request of requests) {
      if (this.open.has(request)) continue
      const answer = this.call(request)
      // Its failure is told when it is its turn.
      answer.catch(() => undefined)
      this.open.set(request, answer)
    }
    const answer = this.open.get(first) as Promise<Answer>
    this.open.delete(first)
    for (const [request, unwanted] of this.open) {
      if (requests.includes(request)) continue
      this.open.delete(request)
      await unwanted.catch(() => undefined)
    }
    return answer
  }

  /** Nothing is under way any more when it resolves. */
  async drain(): Promise<void> {
    await Promise.allSettled(this.open.values())
    this.open.clear()
  }
}

