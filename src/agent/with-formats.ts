import type {FormatModule} from './checkpoint-protocol.js'
import type {AgentVerb} from './protocol.js'

const JUDGING_VERBS: ReadonlySet<AgentVerb> = new Set<AgentVerb>(['start', 'checkpoints', 'inspect'])

/** The request with the formats of plugins, where it is one that judges checkpoints and there are any. */
export async function withFormats<R extends object>(verb: AgentVerb, request: R, formats: () => Promise<readonly FormatModule[]>): Promise<R> {
  if (!JUDGING_VERBS.has(verb)) return request
  const modules = await formats()
  return modules.length === 0 ? request : {...request, formats: modules}
}
