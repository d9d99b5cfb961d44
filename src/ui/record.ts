import {displayWidth, padWidth} from './display-width.js'
import {escapeLine} from './escape-control.js'
import {paint, type Style} from './paint.js'
import type {RenderEnv} from './render-env.js'
import {wrapWords} from './wrap-words.js'

/** A label and a raw value, escaped here. An array is one line each. null: not known (`-`); undefined: left out. */
export type Pair = readonly [label: string, value: readonly string[] | string | null | undefined, style?: Style | undefined]

/**
 * Facts about one thing, a line each, without a final line feed. `table`: values aligned; a long value goes on in the next
 * line, broken at spaces, never cut. `text`: label, tab, value.
 */
export function renderRecord(pairs: readonly Pair[], env: RenderEnv): string {
  const lines = pairs.flatMap(([label, value, style]) =>
    value === undefined ? [] : lineValues(value).map((text, at) => ({label: at === 0 || env.format === 'text' ? label : '', text, style})),
  )
  if (env.format === 'text') return lines.map(({label, text}) => `${label}\t${text}`).join('\n')
  const indent = Math.max(0, ...lines.map(({label}) => displayWidth(label))) + 2
  return lines
    .flatMap(({label, text, style}) =>
      wrapWords(text, Math.max(20, env.width - indent)).map((part, at) => {
        const head = padWidth(at === 0 ? label : '', indent)
        return `${paint(head, 'dim', env.color && at === 0 && label !== '')}${paint(part, style, env.color)}`.trimEnd()
      }),
    )
    .join('\n')
}

function lineValues(value: readonly string[] | string | null): readonly string[] {
  if (typeof value === 'string') return [value === '' ? '-' : escapeLine(value)]
  return value === null || value.length === 0 ? ['-'] : value.map(line => escapeLine(line))
}
