import {fork} from 'node:child_process'
import {fileURLToPath} from 'node:url'

import type {ListedPlugin} from './listed-plugins.js'
import type {Trial, TrialInput} from './try-plugin.js'

/** The built file, from src/ and from dist/ alike: a process of its own has no loader of TypeScript. */
const CHILD = fileURLToPath(new URL('../../../dist/cli/plugins/try-plugin.js', import.meta.url))
/** What hangs longer than that hangs for good. Each hook has five seconds in it. */
const TIME_LIMIT_MS = 20_000

/** Loads the plugin in a process of its own. Resolves with a sentence where that came to nothing. */
export function tryPlugin(root: string, plugin: ListedPlugin, signal: AbortSignal, timeLimitMs = TIME_LIMIT_MS): Promise<Trial | string> {
  return new Promise(resolve => {
    // What it prints is not ours; how it fails is said by its exit.
    const child = fork(CHILD, [], {execArgv: [], stdio: ['ignore', 'ignore', 'ignore', 'ipc'], signal})
    let answer: Trial | string | null = null
    const timer = setTimeout(() => {
      answer ??= `loading it took more than ${timeLimitMs / 1000} s`
      child.kill('SIGKILL')
    }, timeLimitMs)
    child.once('message', (message: Trial | {readonly error: string}) => {
      answer = 'error' in message ? message.error : message
    })
    child.once('error', error => {
      answer ??= error.message
      if (child.pid === undefined) close(null, null)
    })
    const close = (code: number | null, killedBy: string | null): void => {
      clearTimeout(timer)
      resolve(answer ?? `it ended the process that loaded it, with ${killedBy ?? `exit status ${code}`}`)
    }
    child.once('close', close)
    child.send({root, plugin} satisfies TrialInput, () => undefined)
  })
}
