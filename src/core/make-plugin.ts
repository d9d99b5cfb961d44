import {mkdir, readdir, readFile, rename, rm, writeFile} from 'node:fs/promises'
import path from 'node:path'

import {RunctlError} from '../model/errors.js'

export const PLUGIN_KINDS = ['platform', 'step', 'command'] as const
export type PluginKind = (typeof PLUGIN_KINDS)[number]

export interface MakePluginInput {
  readonly name: string
  readonly kinds: readonly PluginKind[]
  /** Absolute: where the new folder goes. */
  readonly parent: string
  /** Absolute: runctl's own `templates/plugin`. */
  readonly templates: string
  /** Of runctl: what the plugin is written for. */
  readonly version: string
  readonly apiVersion: number
  /** Names that commands or platforms have already. */
  readonly taken: readonly string[]
}

export interface MadePlugin {
  /** Of the package. */
  readonly name: string
  /** Absolute. */
  readonly folder: string
  /** Relative to the folder, sorted. */
  readonly files: readonly string[]
  readonly next: readonly string[]
}

const NAME = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/
const MAX_LENGTH = 40
/** The template is a plugin itself, of this name. */
const TEMPLATE_NAME = 'shed'

/** A plugin that works, in a folder that was not there. Rejects with `bad_input` for a name that cannot be, and leaves nothing half made. */
export async function makePlugin(input: MakePluginInput): Promise<MadePlugin> {
  const {kinds, name, parent, taken} = input
  if (!NAME.test(name) || name.length > MAX_LENGTH) throw new RunctlError('bad_input', `a plugin's name has lower case letters, digits and '-' between them, at most ${MAX_LENGTH}: not ${JSON.stringify(name)}`, {next: ['runctl dev plugin my-cloud']})
  if (taken.includes(name)) throw new RunctlError('bad_input', `${name} is a command or a platform of runctl already: another name`, {next: [`runctl dev plugin my-${name}`]})
  const folder = path.join(parent, `runctl-plugin-${name}`)
  const fresh = `${folder}.new-${process.pid}`
  try {
    const texts = await filesOf(input)
    for (const [file, text] of texts) {
      await mkdir(path.dirname(path.join(fresh, file)), {recursive: true})
      await writeFile(path.join(fresh, file), text)
    }
    // Only where nothing is: a folder that holds something is not replaced by this.
    if (await isThere(folder)) throw new RunctlError('bad_input', `${folder} is there already`, {next: [`runctl dev plugin ${name} --dir ANOTHER`]})
    await rename(fresh, folder)
    return {name: `runctl-plugin-${name}`, folder, files: [...texts.keys()].toSorted(), next: nextSteps(folder, name, kinds)}
  } finally {
    await rm(fresh, {recursive: true, force: true})
  }
}

async function isThere(folder: string): Promise<boolean> {
  return readdir(folder).then(() => true, (error: unknown) => (error as NodeJS.ErrnoException).code !== 'ENOENT')
}

async function filesOf(input: MakePluginInput): Promise<ReadonlyMap<string, string>> {
  const {kinds, name, templates} = input
  const texts = new Map([['package.json', `${JSON.stringify(manifestOf(input), null, 2)}\n`]])
  const add = async (folder: string, file: string, as = file): Promise<void> => {
    texts.set(named(as, name), named(await readFile(path.join(folder, file), 'utf8'), name))
  }
  await add(templates, 'README.md')
  // npm leaves a file of its real name out of a package.
  await add(templates, 'gitignore', '.gitignore')
  for (const kind of kinds) {
    const folder = path.join(templates, kind)
    const files = (await readdir(folder, {recursive: true, withFileTypes: true})).filter(entry => entry.isFile())
    for (const entry of files) await add(folder, path.relative(folder, path.join(entry.parentPath, entry.name)))
  }
  return texts
}

/** `shed`, `ShedProvider` */
function named(text: string, name: string): string {
  const inCode = name.split('-').map(word => word.charAt(0).toUpperCase() + word.slice(1)).join('')
  return text.replaceAll('ShedProvider', `${inCode}Provider`).replaceAll(TEMPLATE_NAME, name)
}

function manifestOf({apiVersion, kinds, name, version}: MakePluginInput): Readonly<Record<string, unknown>> {
  const has = (kind: PluginKind): boolean => kinds.includes(kind)
  return {
    name: `runctl-plugin-${name}`,
    version: '0.1.0',
    type: 'module',
    files: ['*.js', ...(has('command') ? ['commands', 'oclif.manifest.json'] : [])],
    scripts: {test: 'node --test'},
    ...(has('command') ? {dependencies: {'@oclif/core': '^4'}} : {}),
    devDependencies: {runctl: `^${version}`},
    oclif: {
      hooks: {...(has('platform') ? {platforms: ['./platforms.js']} : {}), ...(has('step') ? {posttrain: ['./posttrain.js']} : {})},
      ...(has('command') ? {commands: {strategy: 'pattern', target: './commands'}, topicSeparator: ' '} : {}),
    },
    runctl: {
      apiVersion,
      ...(has('platform') ? {platforms: {[name]: {description: `Machines of ${name}`, createFlags: {}}}} : {}),
      ...(has('step') ? {settings: {[name]: {greeting: {type: 'string', description: 'What is said when a run has ended.'}}}} : {}),
    },
  }
}

function nextSteps(folder: string, name: string, kinds: readonly PluginKind[]): readonly string[] {
  const needs = kinds.includes('command') ? ['npm install'] : []
  const tried = kinds.includes('platform') ? `runctl ${name} create --wait` : kinds.includes('command') ? `runctl ${name} machines` : 'runctl plugins'
  return [`cd ${folder}`, ...needs, 'runctl plugins link .', tried, 'npm link runctl', 'npm test']
}
