import type {SetupResult} from '../core/set-up-platform.js'
import {displayWidth, padWidth} from './display-width.js'
import {escapeLine} from './escape-control.js'
import {paint, type Style} from './paint.js'
import type {RenderEnv} from './render-env.js'
import {wrapWords} from './wrap-words.js'

const WORDS: Readonly<Record<SetupResult['steps'][number]['state'], readonly [word: string, style: Style]>> = {
  ok: ['was there', 'dim'],
  created: ['created', 'green'],
  changed: ['changed', 'green'],
  planned: ['would be made', 'yellow'],
}

/** A line a step, then the policy of a user as it is pasted into the console. `text`: state, what, detail, tab-separated. */
export function renderSetup(result: SetupResult, env: RenderEnv): string {
  const {steps, user_policy: policy, written_to: file} = result
  if (env.format === 'text') return steps.map(({detail, state, what}) => [state, what, detail].map(escapeLine).join('\t')).join('\n')
  const indent = Math.max(...Object.values(WORDS).map(([word]) => displayWidth(word))) + 2
  const lines = steps.flatMap(({detail, state, what}) => {
    const [word, style] = WORDS[state]
    const words = wrapWords(`${escapeLine(what)}: ${escapeLine(detail)}`, Math.max(20, env.width - indent))
    return words.map((part, row) => `${row === 0 ? paint(padWidth(word, indent), style, env.color) : ' '.repeat(indent)}${part}`)
  })
  const written = file === null ? [] : ['', `Written to ${escapeLine(file)}:`, ...Object.entries(result.settings).map(([key, value]) => `  ${result.platform}.${key} = ${escapeLine(value)}`)]
  const rights = policy === null ? [] : ['', 'The least rights of a user, as an IAM policy:', JSON.stringify(policy, null, 2)]
  const next = result.dry_run ? [`runctl ${result.platform} setup`] : ['runctl doctor']
  return [...lines, ...written, ...rights, '', ...next.map(command => `${paint('Next:', 'bold', env.color)} ${command}`)].join('\n')
}
