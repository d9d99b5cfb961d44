import {RunctlError} from '../model/errors.js'
import type {Shell, ShellResult} from '../providers/provider.js'
import type {AgentFile} from './agent-file.js'
import {type AgentPart, callScript, EXIT_NO_AGENT, EXIT_OLD_PYTHON, installScript, lastPartScript, partScript} from './bootstrap.js'
import type {FormatModule} from './checkpoint-protocol.js'
import type {AgentVerb, AgentVerbs} from './protocol.js'
import {readAnswer} from './read-answer.js'
import {withFormats} from './with-formats.js'

export interface AgentCallOptions {
  /** zlib stream of the request's pieces (`sync`, `start`). */
  readonly attachment?: Uint8Array
  readonly signal?: AbortSignal
  /** Milliseconds for the whole call, the time that the request asks the agent to wait included. */
  readonly timeoutMs?: number
  /** The request holds what must not stay in a record of the platform's. */
  readonly confidential?: boolean
}

const DEFAULT_TIMEOUT_MS = 60_000
const EXIT_NOT_FOUND = 127
/** Platforms run a few commands at once on an instance, not many. */
const PARTS_AT_ONCE = 4

/**
 * Calls the agent on one instance. The agent is sent on first contact, in the same call as the request where both fit,
 * and in parts where it is larger than one call takes.
 * Rejects with the agent's own failure as RunctlError, with what the shell rejects with, or with a plain Error for a bug.
 */
export class AgentClient {
  constructor(
    private readonly shell: Shell,
    readonly instanceId: string,
    private readonly agentFile: () => Promise<AgentFile>,
    /** What plugins add; asked for by the verbs alone that judge checkpoints. */
    private readonly formats: () => Promise<readonly FormatModule[]> = () => Promise.resolve([]),
  ) {}

  /** Bytes of request and attachment together that one call takes. */
  get maxInputBytes(): number {
    return this.shell.maxInputBytes
  }

  get maxOutputBytes(): number {
    return this.shell.maxOutputBytes
  }

  /** Bytes that come on top of a request of this verb. */
  async addedBytes(verb: AgentVerb): Promise<number> {
    return Buffer.byteLength(JSON.stringify(await withFormats(verb, {}, this.formats)))
  }

  /** Seconds that a request may ask the agent to wait for something to happen. */
  get maxWaitSeconds(): number {
    return this.shell.maxWaitMs / 1000
  }

  async call<V extends AgentVerb>(verb: V, request: AgentVerbs[V][0], options: AgentCallOptions = {}): Promise<AgentVerbs[V][1]> {
    const line = Buffer.from(JSON.stringify(await withFormats(verb, request, this.formats)) + '\n')
    const input = options.attachment ? Buffer.concat([line, options.attachment]) : line
    const agent = await this.agentFile()
    let result = await this.run(callScript(agent.sha256, verb), input, options)
    if (result.exitCode === EXIT_NO_AGENT) result = await this.installAndCall(agent, verb, input, options)
    this.check(result, verb)
    return readAnswer(Buffer.from(result.stdout).toString('utf8'))
  }

  private async installAndCall(agent: AgentFile, verb: AgentVerb, input: Uint8Array, options: AgentCallOptions): Promise<ShellResult> {
    const most = this.shell.maxInputBytes
    const parts: AgentPart[] = []
    for (let offset = 0; offset < agent.bytes.length; offset += most) parts.push({offset, length: Math.min(most, agent.bytes.length - offset)})
    const last = parts.at(-1)
    if (!last) throw new Error('the agent is empty')
    const bytesOf = ({length, offset}: AgentPart): Uint8Array => agent.bytes.subarray(offset, offset + length)
    const lay = async (part: AgentPart): Promise<void> => this.check(await this.run(partScript(agent, part), bytesOf(part), options), 'install')

    for (let at = 0; at < parts.length - 1; at += PARTS_AT_ONCE) await Promise.all(parts.slice(at, Math.min(at + PARTS_AT_ONCE, parts.length - 1)).map(lay))
    const finish = (then: AgentVerb | null): string => (parts.length === 1 ? installScript(agent, then) : lastPartScript(agent, last, parts, then))
    if (last.length + input.length <= most) return this.run(finish(verb), Buffer.concat([bytesOf(last), input]), options)
    this.check(await this.run(finish(null), bytesOf(last), options), 'install')
    return this.run(callScript(agent.sha256, verb), input, options)
  }

  private run(script: string, stdin: Uint8Array, options: AgentCallOptions): Promise<ShellResult> {
    return this.shell.run(this.instanceId, {
      script,
      stdin,
      timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
      ...(options.signal ? {signal: options.signal} : {}),
      ...(options.confidential ? {confidential: true} : {}),
    })
  }

  private check(result: ShellResult, what: string): void {
    if (result.exitCode === 0) return
    if (result.exitCode === EXIT_NOT_FOUND || result.exitCode === EXIT_OLD_PYTHON) {
      throw new RunctlError('platform_failed', `instance ${this.instanceId} has no python3 of version 3.8 or newer, which runctl needs there`)
    }
    const complaint = Buffer.from(result.stderr).toString('utf8').slice(-2000)
    throw new Error(`the agent on ${this.instanceId} ended '${what}' with exit status ${result.exitCode}\n${complaint}`)
  }
}
