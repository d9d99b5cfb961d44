import type {CompletionIndex, IndexedArg, IndexedFlag} from './command-index.js'
import {findPlace, nextArgs, type Place} from './find-place.js'

export interface Candidate {
  /** The whole word as it shall stand there, unquoted. */
  readonly value: string
  readonly description?: string
}

export interface Completion {
  /** All begin with the word that is completed. In the order in which to show them. */
  readonly candidates: readonly Candidate[]
  /** What the shell may complete besides. */
  readonly paths: 'files' | 'folders' | null
  /** Of the word, what stands before the path: `--data=`. */
  readonly pathPrefix: string
  /** Kinds of values that were asked for, and the platform where it is known: what is to be refreshed. */
  readonly asked: readonly Asked[]
}

export interface Asked {
  readonly kind: string
  /** null: of all. */
  readonly platform: string | null
}

/** The values of a kind that are known, in the order in which to show them, whatever they begin with. */
export type ValuesOf = (asked: Asked, place: Place) => readonly (Candidate & {readonly isUnfit?: boolean})[]

const NOTHING: Completion = {candidates: [], paths: null, pathPrefix: '', asked: []}

/** `words`: those behind `runctl`, before the one that is completed; both unquoted. */
export function complete(index: CompletionIndex, words: readonly string[], current: string, valuesOf: ValuesOf): Completion {
  const place = findPlace(index, words)
  if (place === null) return NOTHING
  if (place.isRest) return {...NOTHING, paths: 'files'}
  if (place.pending) return valueCompletion(index, place, [place.pending], current, '', valuesOf)
  const assigned = /^--([^=]+)=/.exec(current)
  if (assigned) {
    const flag = place.flags.find(({name, takesValue}) => takesValue && name === assigned[1])
    return flag ? valueCompletion(index, place, [flag], current, assigned[0], valuesOf) : NOTHING
  }
  if (current.startsWith('-')) return place.command ? {...NOTHING, candidates: flagsOf(place, current)} : beginning([{value: '--help'}, ...(place.path === '' ? [{value: '--version'}] : [])], current)
  const next = place.isOpen ? childrenOf(index, place.path) : []
  const args = place.command ? nextArgs(place.command, place.positionals.length) : []
  const values = valueCompletion(index, place, args, current, '', valuesOf)
  return {...values, candidates: [...next.filter(({value}) => value.startsWith(current)), ...values.candidates]}
}

const beginning = (candidates: readonly Candidate[], current: string): Completion => ({...NOTHING, candidates: candidates.filter(({value}) => value.startsWith(current))})

/** Commands and topics one word longer than `path`. */
function childrenOf({commands, topics}: CompletionIndex, path: string): readonly Candidate[] {
  const before = path === '' ? '' : `${path} `
  const found = new Map<string, string>()
  const add = (id: string, description: string): void => {
    const word = id.slice(before.length).split(' ')[0] ?? ''
    // A topic's own line goes before that of a command with its name.
    if (id.startsWith(before) && word !== '' && (before + word === id || !found.has(word))) found.set(word, before + word === id ? description : '')
  }
  for (const [id, {summary}] of Object.entries(commands)) add(id, summary)
  for (const [id, description] of Object.entries(topics)) add(id, description)
  return [...found].map(([value, description]) => ({value, description})).toSorted((a, b) => (a.value < b.value ? -1 : 1))
}

function flagsOf({flags, given}: Place, current: string): readonly Candidate[] {
  const left = flags.filter(({multiple, name}) => multiple || !given.has(name))
  return [...left, {name: 'help', summary: 'Show help for this command.'}]
    .map(({name, summary}) => ({value: `--${name}`, description: summary}))
    .filter(({value}) => value.startsWith(current))
}

function valueCompletion(index: CompletionIndex, place: Place, wanted: readonly (IndexedArg | IndexedFlag)[], current: string, prefix: string, valuesOf: ValuesOf): Completion {
  const typed = current.slice(prefix.length)
  const platform = platformOf(index, place)
  const asked: Asked[] = []
  const candidates: Candidate[] = []
  let paths: Completion['paths'] = null
  for (const {kind, options} of wanted) {
    if (options) candidates.push(...options.filter(value => value.startsWith(typed)).map(value => ({value})))
    else if (kind === 'file' || kind === 'folder') paths = kind === 'file' ? 'files' : 'folders'
    else if (kind !== undefined) {
      const one = {kind, platform}
      asked.push(one)
      const fitting = valuesOf(one, place).filter(({value}) => value.startsWith(typed) && !place.positionals.includes(value))
      // Those in another state only where no other is meant.
      const best = fitting.filter(({isUnfit}) => isUnfit !== true)
      candidates.push(...(best.length > 0 ? best : fitting))
      // Commands on checkpoints take files of this machine as well.
      if (kind === 'checkpoint') paths ??= 'files'
    }
  }
  return {candidates: candidates.map(({description, value}) => ({value: prefix + value, ...(description ? {description} : {})})), paths, pathPrefix: prefix, asked}
}

/** `local train`, `--platform local`, `workflow run local`. */
function platformOf({platforms}: CompletionIndex, {given, path}: Place): string | null {
  const named = [path.split(' ')[0], given.get('platform')]
  return platforms.find(platform => named.includes(platform)) ?? null
}
