import {inspect} from 'node:util'

import {isRunctlError} from '../model/errors.js'
import {escapeControl, escapeLine} from './escape-control.js'
import {paint} from './paint.js'
import type {RenderEnv} from './render-env.js'
import {wrapWords} from './wrap-words.js'

const STILL_RUNNING = 'Still running:'

/**
 * What happened, what still runs, what to do next: for standard error, without a final line feed. Sentences are wrapped,
 * commands never broken. Anything that is no RunctlError is a bug: it shows its stack, and `left`, what the command has left behind.
 */
export function renderError(error: unknown, env: RenderEnv, left: Aftermath = {stillRunning: [], next: []}): string {
  const title = paint('Error:', 'red', env.color)
  if (!isRunctlError(error)) {
    const {message, stack} = describeBug(error)
    const lines = [...labelled('Error:', title, sentence(message, 'Error:', env)), 'This is a bug in runctl.']
    return [...lines, ...(stack === '' ? [] : [paint(escapeControl(stack), 'dim', env.color)]), ...aftermath(left, env)].join('\n')
  }
  return [...labelled('Error:', title, sentence(error.message, 'Error:', env)), ...lastLogLines(error.details), ...aftermath(error, env)].join('\n')
}

export interface Aftermath {
  readonly stillRunning: readonly string[]
  readonly next: readonly string[]
}

/** Ctrl-C: what goes on without the terminal, and how to come back to it. */
export function renderDetached(detached: Aftermath, env: RenderEnv): string {
  const label = 'Detached:'
  const message = sentence('this only stopped watching; what was begun goes on.', label, env)
  return [...labelled(label, paint(label, 'bold', env.color), message), ...aftermath(detached, env)].join('\n')
}

function aftermath({next, stillRunning}: Aftermath, env: RenderEnv): readonly string[] {
  const running = paint(STILL_RUNNING, 'yellow', env.color)
  const still = stillRunning.flatMap(text => labelled(STILL_RUNNING, running, sentence(text, STILL_RUNNING, env)))
  const commands = next.flatMap((command, at) => {
    const label = at === 0 ? 'Next:' : '     '
    return labelled(label, paint(label, at === 0 ? 'bold' : undefined, env.color), [escapeLine(command)])
  })
  return [...still, ...commands]
}

/** The end of the training's own words, where the error carries it. */
function lastLogLines(details: Readonly<Record<string, unknown>> | undefined): readonly string[] {
  // An error of another copy of the package may be of an older shape.
  const lines = details?.['last_log_lines']
  if (!Array.isArray(lines) || lines.length === 0) return []
  return ['Last log lines:', ...lines.map(line => `  ${escapeLine(String(line))}`)]
}

function sentence(text: string, label: string, env: RenderEnv): readonly string[] {
  return wrapWords(escapeControl(text), Math.max(20, env.width - label.length - 1))
}

function labelled(label: string, painted: string, lines: readonly string[]): readonly string[] {
  return lines.map((line, at) => `${at === 0 ? painted : ' '.repeat(label.length)} ${line}`.trimEnd())
}

function describeBug(error: unknown): {readonly message: string; readonly stack: string} {
  if (!(error instanceof Error)) return {message: `something that is no error was thrown: ${inspect(error)}`, stack: ''}
  const several: readonly unknown[] = error instanceof AggregateError ? error.errors : []
  const inner = several.map(one => (one instanceof Error ? one.message : inspect(one))).join('; ')
  // inspect shows the stack with its causes.
  return {message: error.message || inner || error.name, stack: inspect(error, {depth: 4})}
}
