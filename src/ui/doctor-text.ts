import type {DoctorLine} from '../core/run-doctor.js'
import {displayWidth, padWidth} from './display-width.js'
import {escapeLine} from './escape-control.js'
import {paint, type Style} from './paint.js'
import type {RenderEnv} from './render-env.js'
import {wrapWords} from './wrap-words.js'

const WORDS: Readonly<Record<DoctorLine['status'], readonly [word: string, style: Style]>> = {
  ok: ['ok', 'green'],
  warning: ['warning', 'yellow'],
  failed: ['FAILED', 'red'],
  skipped: ['skipped', 'dim'],
}

/** A line a check with what was found, and what mends it below. `text`: status, platform, check, found, fix, tab-separated. */
export function renderDoctor(lines: readonly DoctorLine[], env: RenderEnv): string {
  if (env.format === 'text') {
    return lines.map(line => [line.status, line.platform ?? '-', line.check, line.found, line.fix ?? '-'].map(escapeLine).join('\t')).join('\n')
  }
  const names = lines.map(({check, platform}) => (platform === null ? check : `${platform}: ${check}`))
  const first = Math.max(...Object.values(WORDS).map(([word]) => displayWidth(word))) + 2
  const indent = first + Math.max(...names.map(displayWidth)) + 2
  return lines.flatMap((line, at) => {
    const [word, style] = WORDS[line.status]
    const head = `${paint(padWidth(word, first), style, env.color)}${padWidth(names[at] ?? '', indent - first)}`
    const words = wrapWords(escapeLine(line.found), Math.max(20, env.width - indent)).map((part, row) => `${row === 0 ? head : ' '.repeat(indent)}${part}`)
    // The fix is to be copied: it is never broken.
    return [...words, ...(line.fix === null ? [] : [`${' '.repeat(indent)}${paint('Fix:', 'bold', env.color)} ${escapeLine(line.fix)}`])]
  }).join('\n')
}
