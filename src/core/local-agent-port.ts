import type {AgentVerb, AgentVerbs} from '../agent/protocol.js'

/** Asks the agent on this machine: one implementation of what a good checkpoint is. */
export type LocalAgent = <V extends AgentVerb>(verb: V, request: AgentVerbs[V][0]) => Promise<AgentVerbs[V][1]>
