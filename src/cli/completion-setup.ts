import {readFile} from 'node:fs/promises'
import {homedir} from 'node:os'
import path from 'node:path'

import {replaceFile} from '../config/replace-file.js'
import {GLUE} from '../complete/glue.js'
import type {CompletionSetup} from '../model/completion-setup.js'
import {RunctlError} from '../model/errors.js'
import {quoteForShell} from '../model/quote-for-shell.js'

export type GluedShell = keyof typeof GLUE

export interface SetupPlace {
  readonly dataDir: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly isMac: boolean
}

/** By it the line is found again, whatever path stands in it. */
const MARK = '# runctl completion'

/** What completion needs of this shell, and whether it is there. Writes nothing. Rejects with `bad_input` for a startup file that is no text. */
export async function planCompletion(shell: GluedShell, place: SetupPlace): Promise<CompletionSetup> {
  const {line, script_file, startup_file} = filesOf(shell, place)
  const hasScript = (await textOf(script_file)) === GLUE[shell]
  const hasLine = startup_file === null || (await textOf(startup_file))?.split('\n').includes(line ?? '') === true
  return {shell, script: GLUE[shell], script_file, startup_file, line, installed: hasScript && hasLine, changed: []}
}

/** Writes what lacks; the second time nothing. Nothing else in a startup file changes. */
export async function installCompletion(shell: GluedShell, place: SetupPlace): Promise<CompletionSetup> {
  const plan = await planCompletion(shell, place)
  const {line, script_file: scriptFile, startup_file: startupFile} = plan
  const changed: string[] = []
  if (scriptFile !== null && (await textOf(scriptFile)) !== GLUE[shell]) {
    await replaceFile(scriptFile, GLUE[shell])
    changed.push(scriptFile)
  }
  if (startupFile !== null && line !== null) {
    const before = (await textOf(startupFile)) ?? ''
    const after = withLine(before, line)
    if (after !== before) {
      await replaceFile(startupFile, after)
      changed.push(startupFile)
    }
  }
  return {...plan, installed: true, changed}
}

function filesOf(shell: GluedShell, {dataDir, env, isMac}: SetupPlace): {readonly script_file: string; readonly startup_file: string | null; readonly line: string | null} {
  const home = env['HOME'] || homedir()
  // fish looks there by itself.
  if (shell === 'fish') return {script_file: path.join(env['XDG_CONFIG_HOME'] || path.join(home, '.config'), 'fish', 'completions', 'runctl.fish'), startup_file: null, line: null}
  const scriptFile = path.join(dataDir, 'completion', `runctl.${shell}`)
  // Terminals of macOS start login shells, which read no ~/.bashrc.
  const startupFile = shell === 'zsh' ? path.join(env['ZDOTDIR'] || home, '.zshrc') : path.join(home, isMac ? '.bash_profile' : '.bashrc')
  const quoted = quoteForShell(scriptFile)
  return {script_file: scriptFile, startup_file: startupFile, line: `[ -r ${quoted} ] && . ${quoted} ${MARK}`}
}

/** Once: lines of earlier times, with another path, give way. */
function withLine(text: string, line: string): string {
  const lines = text.split('\n')
  const own = lines.flatMap((one, at) => (one.endsWith(MARK) ? [at] : []))
  const [first] = own
  if (first === undefined) return `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}${line}\n`
  return lines.flatMap((one, at) => (at === first ? [line] : own.includes(at) ? [] : [one])).join('\n')
}

async function textOf(file: string | null): Promise<string | null> {
  if (file === null) return null
  try {
    return new TextDecoder('utf-8', {fatal: true, ignoreBOM: true}).decode(await readFile(file))
  } catch (error) {
    const {code, message} = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return null
    throw new RunctlError('bad_input', `${file} cannot be read as text: ${message}`, {next: ['runctl autocomplete bash --script'], cause: error})
  }
}
