import {pathForShell} from '../model/quote-for-shell.js'
import type {TrainFlagValues} from './train-flags.js'

/**
 * The flags of a training as words of a command that can be pasted. Values of --env stay out of it: errors end up in the logs of CI. Their names are
 * there, so that one sees what to add.
 */
export function typedFlags({concurrent, env = [], 'sync-code': sync, ...others}: TrainFlagValues): readonly string[] {
  const words = Object.entries(others).flatMap(([name, value]) =>
    (typeof value === 'string' ? [value] : (value ?? [])).flatMap(one => [`--${name}`, valueWord(one)]))
  return [
    ...(sync === undefined ? [] : [sync ? '--sync-code' : '--no-sync-code']),
    ...words,
    ...env.flatMap(pair => ['--env', `${pair.slice(0, pair.indexOf('='))}=…`]),
    ...(concurrent ? ['--concurrent'] : []),
  ]
}

/** A value that looks like a flag would be taken for one. */
const valueWord = (value: string): string => (value === '' ? "''" : pathForShell(value))
