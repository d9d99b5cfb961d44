/**
 * `runctl __complete SHELL …`, answered before oclif or anything else is loaded (docs/decisions/0017-completion-has-its-own-path.md):
 *
 *     __complete bash WORDBREAKS LINE        the line up to the cursor
 *     __complete zsh|fish WORD… CURRENT      the words behind `runctl`, unquoted, and the part before the cursor of the one that is completed
 *
 * It asks nobody and never fails: what it cannot read it does not know.
 */
import {writeSync} from 'node:fs'
import {join} from 'node:path'

import {answerText, type CompletingShell} from './answer-text.js'
import type {CompletionIndex} from './command-index.js'
import {complete} from './complete.js'
import {folders} from './folders.js'
import {readJson} from './read-json.js'
import {splitLine, type ShellLine} from './shell-words.js'
import {withPlugins} from './user-plugins.js'
import {Values} from './values.js'

const [, , , shell = '', ...given] = process.argv

function lineFor(): ShellLine {
  if (shell !== 'bash') return {words: given.slice(0, -1), current: given.at(-1) ?? '', kept: 0, quote: null}
  const line = splitLine(given[1] ?? '', given[0] ?? '')
  // The first word is the name of this program, whatever it was called by.
  return {...line, words: line.words.slice(1)}
}

async function answer(): Promise<void> {
  const {cacheDir, dataDir} = folders(process.env)
  const line = lineFor()
  const built = readJson(join(import.meta.dirname, 'commands.json')) as unknown as CompletionIndex
  const {index, plugins} = await withPlugins(built, dataDir)
  const values = new Values({index, plugins, cacheDir})
  const completion = complete(index, line.words, line.current, values.of)
  // Not by process.stdout: to make that takes Node as long as all the rest of this.
  writeSync(1, answerText(shell as CompletingShell, completion, line))
  const outdated = values.outdated(completion.asked, Date.now())
  if (outdated.length === 0) return
  const {startRefresh} = await import('./start-refresh.js')
  startRefresh(outdated, cacheDir)
}

if (['bash', 'fish', 'zsh'].includes(shell)) answer().catch(() => undefined)
