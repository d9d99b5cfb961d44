import type {AgentVerb, AgentVerbs} from '../../agent/protocol.js'

/** What sync, push and pull need of the agent on one instance; AgentClient is one. */
export interface AgentPort {
  /** The most bytes of request line and attachment together that one call takes. */
  readonly maxInputBytes: number
  /** The most bytes of an answer that one call gives back whole. */
  readonly maxOutputBytes: number
  /** Bytes that come on top of a request of this verb, where any do. */
  addedBytes?(verb: AgentVerb): Promise<number>
  /** `attachment` is the zlib stream of the request's pieces, `timeoutMs` milliseconds for the whole call; for `confidential` see the shell. */
  call<V extends AgentVerb>(
    verb: V,
    request: AgentVerbs[V][0],
    options?: {readonly attachment?: Uint8Array; readonly confidential?: boolean; readonly signal?: AbortSignal; readonly timeoutMs?: number},
  ): Promise<AgentVerbs[V][1]>
}

/** Milliseconds after which a call that moves so many bytes is given up: a link of 100 kB/s is still good enough. */
export function transferTimeoutMs(bytes: number): number {
  return 120_000 + Math.ceil(bytes / 100)
}
