import {execFile} from 'node:child_process'
import {mkdtemp, readdir, rmdir} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import path from 'node:path'
import {promisify} from 'node:util'
import {Config, Flags, Parser, type Interfaces} from '@oclif/core'

import {REPOSITORY} from './repository.js'

let config: Promise<Config> | undefined

/** The commands among `next`; the others are sentences for people. */
export const commandsAmong = (next: readonly string[]): readonly string[] => next.filter(line => /^runctl /.test(line))

/**
 * What somebody gets who pastes the line into a shell: its words, which must be those of a runctl command with its flags. Throws if the
 * shell does anything else than call runctl, or if runctl would not take the words.
 */
export async function pasted(line: string): Promise<readonly string[]> {
  const words = await wordsInShell(line)
  config ??= Config.load(REPOSITORY)
  const loaded = await config
  const at = words.indexOf('--')
  // The platform ssh is a plugin's: its commands are those of local by another name.
  const own = (at === -1 ? words : words.slice(0, at)).map((word, place) => (place < 2 && word === 'ssh' ? 'local' : word))
  for (let length = Math.min(3, own.length); length > 0; length--) {
    const found = loaded.findCommand(own.slice(0, length).join(':'))
    if (!found) continue
    if (own.at(-1) === '--help') return words
    const command = await found.load()
    const flags = {...command.baseFlags, ...command.flags, json: Flags.boolean()} as Interfaces.FlagInput
    await Parser.parse(own.slice(length), {flags, args: command.args ?? {}, strict: true})
    return words
  }
  throw new Error(`there is no such command: ${line}`)
}

/** The shell finds no program but the function `runctl`, in an empty folder that must stay empty. */
async function wordsInShell(line: string): Promise<readonly string[]> {
  const folder = await mkdtemp(path.join(tmpdir(), 'runctl-paste-'))
  const script = `set -eu\nrunctl() { printf '%s\\0' "$@"; }\n${line}\n`
  const {stderr, stdout} = await promisify(execFile)('/bin/sh', ['-c', script], {cwd: folder, env: {PATH: '/nonexistent'}})
  const left = await readdir(folder)
  if (stderr !== '' || left.length > 0) throw new Error(`a shell does more than call runctl for: ${line}\n${stderr}${left.join(' ')}`)
  await rmdir(folder)
  return stdout.split('\0').slice(0, -1)
}
