import {Errors} from '@oclif/core'

import {isRunctlError, RunctlError} from '../model/errors.js'

/** What oclif's parser throws is the user's input, told in its words; a bug stays what it is. */
export function asUserError(thrown: unknown, commandLine: string, takesRest: boolean): unknown {
  if (thrown instanceof Errors.CLIError && !isRunctlError(thrown)) {
    // oclif's note on flags of several values is about greedy ones, which there are none of here; what it says of `--` is not so here.
    const [message = 'wrong input'] = thrown.message.split(/\n\s*(?:See more help|Note: --)/)
    const hint = takesRest && message.startsWith('Nonexistent flag') ? "; what is meant for the script stands behind '--'" : ''
    return new RunctlError('bad_input', message.trim() + hint, {next: [`${commandLine} --help`]})
  }
  // oclif writes its own words around what the parser of a flag's value throws.
  const framed = isRunctlError(thrown) ? /^Parsing (--\S+) \n\t(.*)\nSee more help with --help$/s.exec(thrown.message) : null
  if (framed) return new RunctlError('bad_input', `${framed[1]}: ${framed[2]}`, {next: [`${commandLine} --help`], cause: thrown})
  return thrown
}
