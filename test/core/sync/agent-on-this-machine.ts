import {spawn} from 'node:child_process'
import {mkdtemp, rm} from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'

import type {AgentVerb, AgentVerbs} from '../../../src/agent/protocol.js'
import type {AgentPort} from '../../../src/core/sync/agent-port.js'
import {RunctlError, type ErrorCode} from '../../../src/model/errors.js'

export interface RecordedCall {
  readonly verb: AgentVerb
  readonly request: unknown
  readonly inputBytes: number
  readonly attachmentBytes: number
  readonly outputBytes: number
}

const AGENT_DIR = path.resolve(import.meta.dirname, '../../../agent')

/** The real agent, run as a process of its own with a home folder of its own. A call that is too large fails, as a shell would. */
export class AgentOnThisMachine implements AgentPort {
  readonly calls: RecordedCall[] = []
  /** Calls that were begun before the one that is about to be; with several under way these are more than those in `calls`. */
  begun = 0
  /** As many at most were under way at a time. */
  mostAtOnce = 0
  private underWay = 0
  /** Done before the next call reaches the agent. */
  beforeCall: (verb: AgentVerb, request: unknown) => void | Promise<void> = () => {}

  private constructor(
    readonly home: string,
    public maxInputBytes: number,
    public maxOutputBytes: number,
  ) {}

  static async create(maxInputBytes = 64 << 20, maxOutputBytes = 64 << 20): Promise<AgentOnThisMachine> {
    return new AgentOnThisMachine(await mkdtemp(path.join(os.tmpdir(), 'runctl-home-')), maxInputBytes, maxOutputBytes)
  }

  async call<V extends AgentVerb>(verb: V, request: AgentVerbs[V][0], options: {attachment?: Uint8Array} = {}): Promise<AgentVerbs[V][1]> {
    const before = this.beforeCall(verb, request)
    this.begun++
    await before
    const input = Buffer.concat([Buffer.from(JSON.stringify(request) + '\n'), options.attachment ?? Buffer.alloc(0)])
    if (input.length > this.maxInputBytes) throw new Error(`${input.length} bytes are more than a call takes`)
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.underWay)
    const output = await this.run(verb, input).finally(() => this.underWay--)
    this.calls.push({verb, request, inputBytes: input.length, attachmentBytes: options.attachment?.length ?? 0, outputBytes: output.length})
    if (output.length > this.maxOutputBytes) throw new Error(`${output.length} bytes are more than a call gives back`)
    const answer = JSON.parse(output.toString()) as AgentVerbs[V][1] & {error?: {code: ErrorCode; message: string}}
    if (answer.error) throw new RunctlError(answer.error.code, answer.error.message)
    return answer
  }

  private run(verb: string, input: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const child = spawn('python3', ['-m', 'runctl_agent', verb], {env: {...process.env, PYTHONPATH: AGENT_DIR, PYTHONDONTWRITEBYTECODE: '1', HOME: this.home}})
      const stdout: Buffer[] = []
      const stderr: Buffer[] = []
      child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk))
      child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk))
      child.on('error', reject)
      child.on('close', code => (code === 0 ? resolve(Buffer.concat(stdout)) : reject(new Error(`${verb}: ${code}\n${Buffer.concat(stderr).toString()}`))))
      child.stdin.on('error', () => {})
      child.stdin.end(input)
    })
  }

  async dispose(): Promise<void> {
    await rm(this.home, {recursive: true, force: true})
  }
}
