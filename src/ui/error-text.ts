import {inspect} from 'node:util'

import {isRunctlError} from '../model/errors.js'
import {escapeControl, escapeLine} from './escape-control.js'
import {paint} from './paint.js'
import type {RenderEnv} from './render-env.js'
import {wrapWords} from './wrap-words.js'

/**
 * What happened, what still runs, what to do next: for standard error, without a final line feed. Sentences are wrapped,
 * commands never broken. Anything that is no RunctlError is a bug and shows its stack.
 */
export function renderError(error: unknown, env: RenderEnv): string {
  const title = paint('Error:', 'red', env.color)
  if (!isRunctlError(error)) {
    const {message, stack} = describeBug(error)
    const lines = [...labelled('Error:', title, sentence(message, 'Error:', env)), 'This is a bug in runctl.']
    return [...lines, ...(stack === '' ? [] : [paint(escapeControl(stack), 'dim', env.color)])].join('\n')
  }
  const still = error.stillRunning.flatMap(text => labelled('Still running:', paint('Still running:', 'yellow', env.color), sentence(text, 'Still running:', env)))
  const next = error.next.flatMap((command, at) => {
    const label = at === 0 ? 'Next:' : '     '
    return labelled(label, paint(label, at === 0 ? 'bold' : undefined, env.color), [escapeLine(command)])
  })
  return [...labelled('Error:', title, sentence(error.message, 'Error:', env)), ...still, ...next].join('\n')
}

function sentence(text: string, label: string, env: RenderEnv): readonly string[] {
  return wrapWords(escapeControl(text), Math.max(20, env.width - label.length - 1))
}

function labelled(label: string, painted: string, lines: readonly string[]): readonly string[] {
  return lines.map((line, at) => `${at === 0 ? painted : ' '.repeat(label.length)} ${line}`.trimEnd())
}

function describeBug(error: unknown): {readonly message: string; readonly stack: string} {
  if (!(error instanceof Error)) return {message: `something that is no error was thrown: ${inspect(error)}`, stack: ''}
  const inner = error instanceof AggregateError ? error.errors.map(one => (one instanceof Error ? one.message : inspect(one))).join('; ') : ''
  // inspect shows the stack with its causes.
  return {message: error.message || inner || error.name, stack: inspect(error, {depth: 4})}
}
