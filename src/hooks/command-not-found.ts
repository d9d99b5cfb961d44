import type {Hook} from '@oclif/core'

import {EXIT_CODES} from '../model/errors.js'
import {nearestName} from '../model/nearest-name.js'
import {requestedFormat} from '../model/output-format.js'
import {splitArgv} from '../model/split-argv.js'

/**
 * Says which command was probably meant, to people and scripts alike, and asks nothing. (oclif's own plugin for this asks a
 * question on a terminal and suggests nothing elsewhere.)
 */
const commandNotFound: Hook<'command_not_found'> = async function ({argv, config, id}) {
  const typed = id.replaceAll(':', ' ')
  const shown = config.commands.filter(command => !command.hidden)
  // Aliases stand among the commands as well.
  const known = [...new Set(shown.flatMap(command => [command.id, ...command.aliases]).map(one => one.replaceAll(':', ' ')))].toSorted()
  // What follows an unknown command is part of the id here: `chekpoint list ./folder`.
  const words = typed.split(' ')
  const [topic = ''] = words
  const nearest = words.map((_, index) => nearestName(words.slice(0, words.length - index).join(' '), known)).find(name => name !== null)
  // `create` is meant as that of a platform: the one that costs nothing comes first, so that nobody pastes what is billed unread.
  const meant = nearest ? [nearest] : known.filter(name => name.endsWith(` ${topic}`)).toSorted((a, b) => Number(b.startsWith('local ')) - Number(a.startsWith('local ')))
  const help = known.some(name => name.startsWith(`${topic} `)) ? `${config.bin} ${topic} --help` : `${config.bin} --help`
  const next = [...meant.map(name => `${config.bin} ${name}`), help]
  const message = `${JSON.stringify(typed)} is not a ${config.bin} command`
  const isJson = requestedFormat(splitArgv([...(argv ?? []), ...process.argv.slice(2)]).own) === 'json'
  const error = {code: 'bad_input', message, exit_code: EXIT_CODES.bad_input, still_running: [], next, details: {}}
  if (isJson) process.stdout.write(`${JSON.stringify({error}, null, 2)}\n`)
  else process.stderr.write(`Error: ${message}\n${next.map((command, at) => `${at === 0 ? 'Next:' : '     '} ${command}`).join('\n')}\n`)
  process.exit(EXIT_CODES.bad_input)
}

export default commandNotFound
