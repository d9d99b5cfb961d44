import type {CompletionIndex, IndexedArg, IndexedCommand, IndexedFlag} from './command-index.js'

/** What stands before the word that is completed. */
export interface Place {
  /** The words of the command or topic. */
  readonly path: string
  /** null: a topic, or nothing yet. */
  readonly command: IndexedCommand | null
  readonly flags: readonly IndexedFlag[]
  /** A further word may still be one of a command: `local` alone. */
  readonly isOpen: boolean
  /** Behind `--`. */
  readonly isRest: boolean
  /** The flag whose value comes next. */
  readonly pending: IndexedFlag | null
  readonly positionals: readonly string[]
  /** By name, the last value; true of one without. */
  readonly given: ReadonlyMap<string, string | true>
}

/** `words` are those behind `runctl`, without the one that is completed. null where nothing can follow: they are no command. */
export function findPlace(index: CompletionIndex, words: readonly string[]): Place | null {
  const {path, rest} = findCommand(index, words)
  const command = index.commands[path] ?? null
  if (command === null && rest.length > 0) return null
  const flags = (command?.flags ?? []).map(flag => (typeof flag === 'number' ? index.flags[flag] : flag)).filter(flag => flag !== undefined)
  const end = rest.indexOf('--')
  const own = end === -1 ? rest : rest.slice(0, end)
  return {path, command, flags, isOpen: rest.length === 0, isRest: end !== -1, ...readWords(own, flags)}
}

/** The longest beginning that is a command or topic. `local:train` is oclif's other way to write `local train`. */
function findCommand({commands, topics}: CompletionIndex, words: readonly string[]): {readonly path: string; readonly rest: readonly string[]} {
  const [first = '', ...others] = words
  const all = /^[a-z][a-z-]*:[a-z:-]+$/.test(first) ? [...first.split(':'), ...others] : words
  let path = ''
  let taken = 0
  for (const word of all) {
    const longer = path === '' ? word : `${path} ${word}`
    if (!Object.hasOwn(commands, longer) && !Object.hasOwn(topics, longer)) break
    path = longer
    taken++
  }
  return {path, rest: all.slice(taken)}
}

function readWords(words: readonly string[], flags: readonly IndexedFlag[]): Pick<Place, 'given' | 'pending' | 'positionals'> {
  const given = new Map<string, string | true>()
  const positionals: string[] = []
  let pending: IndexedFlag | null = null
  for (const word of words) {
    if (pending !== null) {
      given.set(pending.name, word)
      pending = null
    } else if (word.startsWith('--')) {
      const equals = word.indexOf('=')
      const name = word.slice(2, equals === -1 ? undefined : equals)
      const flag = flags.find(one => one.name === name)
      given.set(name, equals === -1 ? true : word.slice(equals + 1))
      if (equals === -1 && flag?.takesValue) pending = flag
    } else if (word.startsWith('-') && word.length > 1) {
      const flag = flags.find(({char}) => char === word[1])
      if (flag) given.set(flag.name, word.length > 2 ? word.slice(2) : true)
      if (flag?.takesValue && word.length === 2) pending = flag
    } else positionals.push(word)
  }
  return {given, pending, positionals}
}

/** What may stand in the place of the next positional: an argument of several values may go on, or the one behind it begin. */
export function nextArgs({args}: IndexedCommand, count: number): readonly IndexedArg[] {
  const several = args.findIndex(({multiple}) => multiple === true)
  if (several === -1 || count <= several) {
    const arg = args[count]
    return arg ? [arg] : []
  }
  const [list, after] = [args[several], args[several + 1]]
  return [list, after].filter(arg => arg !== undefined)
}
