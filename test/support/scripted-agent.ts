import {deflateSync} from 'node:zlib'

import type {AgentCallOptions, AgentClient} from '../../src/agent/client.js'
import type {AgentVerb, AgentVerbs, LogsAnswer, RunStatus} from '../../src/agent/protocol.js'

type Handlers = {[V in AgentVerb]?: (request: AgentVerbs[V][0], options: AgentCallOptions) => AgentVerbs[V][1] | Promise<AgentVerbs[V][1]>}

/** An agent that answers by verb as told; a verb that nobody told it about fails the test. */
export class ScriptedAgent {
  readonly calls: {readonly verb: AgentVerb; readonly request: unknown; readonly options: AgentCallOptions}[] = []
  maxInputBytes = 1 << 20
  maxOutputBytes = 1 << 20
  maxWaitSeconds = 20

  constructor(readonly handlers: Handlers = {}) {}

  async call<V extends AgentVerb>(verb: V, request: AgentVerbs[V][0], options: AgentCallOptions = {}): Promise<AgentVerbs[V][1]> {
    options.signal?.throwIfAborted()
    this.calls.push({verb, request, options})
    const handler = this.handlers[verb]
    if (!handler) throw new Error(`nobody told the agent what to answer to ${verb}`)
    return handler(request, options)
  }

  get verbs(): readonly AgentVerb[] {
    return this.calls.map(({verb}) => verb)
  }

  asClient(): AgentClient {
    return this as unknown as AgentClient
  }
}

/** The answer to `logs` of an agent whose whole log is `bytes`. */
export function logsOf(bytes: Uint8Array, run: RunStatus, over: Partial<LogsAnswer> = {}): (request: AgentVerbs['logs'][0]) => LogsAnswer {
  return ({max_bytes, offset = 0}) => {
    const part = bytes.subarray(offset, offset + max_bytes)
    const next = offset + part.length
    const answer = {run_id: run.run_id, offset, next_offset: next, size: bytes.length, end: next >= bytes.length, run}
    return {...answer, data: deflateSync(part).toString('base64'), ...over}
  }
}
