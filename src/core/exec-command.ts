import {quoteForShell} from '../model/quote-for-shell.js'
import {findRunningInstance} from './find-instance.js'
import type {PlatformDeps} from './platform-deps.js'

export interface ExecInput {
  readonly instanceId: string
  /** POSIX sh; a command with arguments is quoted by {@link commandScript} first. */
  readonly script: string
  readonly timeoutMs: number
}

export interface ExecResult {
  readonly instance_id: string
  readonly exit_code: number
  /** Text; bytes that are not UTF-8 are replaced. */
  readonly stdout: string
  readonly stderr: string
}

/**
 * Whoever runs a command is there: where the instance keeps limits, its guard looks at this file. On the script's own line, so that the
 * shell's messages name the right one.
 */
const SIGN_OF_LIFE = '[ ! -e "$HOME/.runctl/limits.json" ] || touch "$HOME/.runctl/sign" 2>/dev/null || :; '

/** Runs a command on the instance and waits for it. Its exit status is part of the result. */
export async function execCommand(input: ExecInput, deps: Pick<PlatformDeps, 'provider' | 'signal'>): Promise<ExecResult> {
  await findRunningInstance(input.instanceId, deps)
  const result = await deps.provider.shell.run(input.instanceId, {script: SIGN_OF_LIFE + input.script, timeoutMs: input.timeoutMs, signal: deps.signal})
  const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)
  return {instance_id: input.instanceId, exit_code: result.exitCode, stdout: text(result.stdout), stderr: text(result.stderr)}
}

/** A script that runs one command with exactly these arguments. */
export const commandScript = (words: readonly string[]): string => words.map(word => quoteForShell(word)).join(' ')
