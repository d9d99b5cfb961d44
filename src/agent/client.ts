import {RunctlError} from '../model/errors.js'
import type {Shell, ShellResult} from '../providers/provider.js'
import type {AgentFile} from './agent-file.js'
import {callScript, EXIT_NO_AGENT, EXIT_OLD_PYTHON, installScript} from './bootstrap.js'
import type {AgentVerb, AgentVerbs} from './protocol.js'
import {readAnswer} from './read-answer.js'

export interface AgentCallOptions {
  /** zlib stream of the request's pieces (`sync`, `start`). */
  readonly attachment?: Uint8Array
  readonly signal?: AbortSignal
  /** Milliseconds for the whole call, the time that the request asks the agent to wait included. */
  readonly timeoutMs?: number
}

const DEFAULT_TIMEOUT_MS = 60_000
const EXIT_NOT_FOUND = 127

/**
 * Calls the agent on one instance. The agent is sent on first contact, in the same call as the request where both fit.
 * Rejects with the agent's own failure as RunctlError, with what the shell rejects with, or with a plain Error for a bug.
 */
export class AgentClient {
  constructor(
    private readonly shell: Shell,
    readonly instanceId: string,
    private readonly agentFile: () => Promise<AgentFile>,
  ) {}

  /** Bytes of request and attachment together that one call takes. */
  get maxInputBytes(): number {
    return this.shell.maxInputBytes
  }

  get maxOutputBytes(): number {
    return this.shell.maxOutputBytes
  }

  /** Seconds that a request may ask the agent to wait for something to happen. */
  get maxWaitSeconds(): number {
    return this.shell.maxWaitMs / 1000
  }

  async call<V extends AgentVerb>(verb: V, request: AgentVerbs[V][0], options: AgentCallOptions = {}): Promise<AgentVerbs[V][1]> {
    const line = Buffer.from(JSON.stringify(request) + '\n')
    const input = options.attachment ? Buffer.concat([line, options.attachment]) : line
    const agent = await this.agentFile()
    let result = await this.run(callScript(agent.sha256, verb), input, options)
    if (result.exitCode === EXIT_NO_AGENT) {
      const together = agent.bytes.length + input.length <= this.shell.maxInputBytes
      if (!together) this.check(await this.run(installScript(agent, null), agent.bytes, options), 'install')
      result = together
        ? await this.run(installScript(agent, verb), Buffer.concat([agent.bytes, input]), options)
        : await this.run(callScript(agent.sha256, verb), input, options)
    }
    this.check(result, verb)
    return readAnswer(Buffer.from(result.stdout).toString('utf8'))
  }

  private run(script: string, stdin: Uint8Array, options: AgentCallOptions): Promise<ShellResult> {
    return this.shell.run(this.instanceId, {
      script,
      stdin,
      timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
      ...(options.signal ? {signal: options.signal} : {}),
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
