import {join} from 'node:path'

import type {CompletionIndex} from './command-index.js'
import type {Asked, Candidate, ValuesOf} from './complete.js'
import {valuesFolder} from './folders.js'
import {asObject, objectsIn, readJson} from './read-json.js'

type Value = Candidate & {readonly isUnfit?: boolean}
type Known = Readonly<Record<string, unknown>>

/** Kinds whose values are in the files of the platforms. */
const KEPT = ['instance', 'run', 'checkpoint', 'target', 'project', 'suggest', 'config-value']
/** A time further ahead than any that is written: a clock was wrong then. */
const TOO_FAR_MS = 3_600_000

export interface ValueSources {
  readonly index: CompletionIndex
  readonly plugins: readonly string[]
  readonly cacheDir: string
}

/** Reads each file once, and only those that are asked for. */
export class Values {
  readonly #read = new Map<string, Known>()

  constructor(private readonly sources: ValueSources) {}

  readonly of: ValuesOf = ({kind, platform}, {given, positionals}) => {
    const {index, plugins} = this.sources
    const [name = '', detail = ''] = kind.split(':')
    const known = (): readonly Known[] => this.#files(platform)
    switch (name) {
      case 'instance':
        return known().flatMap(file => instances(file, detail))
      case 'target':
        return [...index.platforms.map(value => ({value, description: index.topics[value] ?? ''})), ...known().flatMap(file => instances(file, 'running'))]
      case 'platform':
        return index.platforms.map(value => ({value, description: index.topics[value] ?? ''}))
      case 'run':
        return known().flatMap(file => runs(file, given.get('instance-id'), detail))
      case 'checkpoint':
        return known().flatMap(file => checkpoints(file, given.get('instance-id') ?? positionals[0], given.get('run')))
      case 'project':
        return projects(known())
      case 'suggest':
        return known().flatMap(file => suggestions(file, detail))
      case 'plugin':
        return plugins.map(value => ({value}))
      case 'config-key':
        return Object.entries(index.configKeys).map(([value, {summary}]) => ({value, description: summary}))
      case 'config-value':
        return this.#configValues(positionals[0] ?? '')
      default:
        return []
    }
  }

  /** The platforms whose files were asked for and are missing or old. */
  outdated(asked: readonly Asked[], now: number): readonly string[] {
    const kept = asked.filter(({kind}) => KEPT.includes(kind.split(':')[0] ?? ''))
    const platforms = kept.flatMap(({platform}) => (platform === null ? this.sources.index.platforms : [platform]))
    return [...new Set(platforms)].filter(platform => {
      const after = Date.parse(String(this.#file(platform)['refreshAfter']))
      return !(after > now && after < now + TOO_FAR_MS)
    })
  }

  #configValues(key: string): readonly Value[] {
    const {configKeys, platforms} = this.sources.index
    const {options} = (Object.hasOwn(configKeys, key) ? configKeys[key] : undefined) ?? {}
    if (options) return options.map(value => ({value}))
    const [section = '', name = ''] = key.split('.')
    if (key === 'project.name') return projects(this.#files(null))
    return platforms.includes(section) ? suggestions(this.#file(section), name === 'instance_type' ? 'type' : name) : []
  }

  #files(platform: string | null): readonly Known[] {
    return (platform === null ? this.sources.index.platforms : [platform]).map(name => this.#file(name))
  }

  #file(platform: string): Known {
    let file = this.#read.get(platform)
    if (!file) {
      file = readJson(join(valuesFolder(this.sources.cacheDir), `${platform}.json`))
      // Of another version nothing is known.
      if (file['version'] !== 1) file = {}
      this.#read.set(platform, file)
    }
    return file
  }
}

/** In these states a command on one that runs, or is stopped, can do its work, or soon can. */
const FIT: Readonly<Record<string, readonly string[]>> = {running: ['running', 'pending'], stopped: ['stopped', 'stopping'], live: ['running', 'pending', 'stopped', 'stopping']}

function instances(file: Known, wanted: string): readonly Value[] {
  return objectsIn(file['instances']).flatMap(({id, name, state, type}) =>
    state === 'terminated' || state === 'shutting-down' ? [] : [{value: text(id), description: words(name, state, type), isUnfit: wanted !== '' && !FIT[wanted]?.includes(text(state))}])
}

function runs(file: Known, onInstance: string | true | undefined, wanted: string): readonly Value[] {
  return objectsIn(file['runs']).flatMap(({id, instance, project, script, state}) =>
    typeof onInstance === 'string' && instance !== onInstance ? [] : [{value: text(id), description: words(state, script, project), isUnfit: wanted === 'active' && state === 'stopped'}])
}

function checkpoints(file: Known, ofInstance: string | true | undefined, ofRun: string | true | undefined): readonly Value[] {
  const all = objectsIn(file['checkpoints'])
  const isKnown = all.some(({instance}) => instance === ofInstance)
  const chosen = all.filter(({instance, run}) => (ofRun === undefined || run === ofRun) && (!isKnown || instance === ofInstance))
  return [...new Map(chosen.map(({path, state, step}) => [text(path), {value: text(path), description: words(state, typeof step === 'number' ? `step ${step}` : null)}])).values()]
}

function projects(files: readonly Known[]): readonly Value[] {
  const named = files.flatMap(file => [...objectsIn(file['runs']), ...objectsIn(file['instances'])]).map(({project}) => text(project))
  return [...new Set(named)].toSorted().map(value => ({value}))
}

const suggestions = (file: Known, name: string): readonly Value[] =>
  objectsIn(asObject(file['suggestions'])[name]).map(({description, value}) => ({value: text(value), description: text(description)}))

const text = (value: unknown): string => (typeof value === 'string' ? value : '')
const words = (...parts: readonly unknown[]): string => parts.filter(part => typeof part === 'string' && part !== '').join(', ')
