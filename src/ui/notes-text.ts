import {escapeLine} from './escape-control.js'
import {paint} from './paint.js'
import type {RenderEnv} from './render-env.js'
import {wrapWords} from './wrap-words.js'

/** What is to be said of a thing, and the commands that go on with it. */
export interface Note {
  readonly head: string
  readonly body: string
  readonly next: readonly string[]
}

/** A titled list; none where there are no notes. Sentences are wrapped, commands are not broken, so that they can be copied. */
export function renderNotes(title: string, notes: readonly Note[], env: RenderEnv): readonly string[] {
  if (notes.length === 0) return []
  const lines = notes.flatMap(({body, head, next}) => [
    ...wrapWords(escapeLine(`${head}: ${body}`), Math.max(20, env.width - 2)).map(line => `  ${line}`),
    ...next.map(command => `    ${escapeLine(command)}`),
  ])
  return [[paint(title, 'bold', env.color), ...lines].join('\n')]
}

export const wrapped = (sentence: string, env: RenderEnv): string => wrapWords(sentence, Math.max(20, env.width)).join('\n')
