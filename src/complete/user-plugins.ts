import {join} from 'node:path'

import type {CompletionIndex, IndexedCommand, IndexedFlag} from './command-index.js'
import {asObject, objectsIn, readJson} from './read-json.js'

/** The API of plugins that this runctl has; one for another contributes nothing (docs/plugins.md). */
const API_VERSION = 1
const PLATFORM_NAME = /^[a-z][a-z0-9-]*$/

export interface CompletionSources {
  readonly index: CompletionIndex
  readonly plugins: readonly string[]
}

/**
 * The commands of runctl and of the plugins that a person has added: from their oclif.manifest.json, and from the block `runctl` of their
 * package.json, whose platforms have the verbs of every platform. Two files a plugin, none where there is none. runctl's own come first.
 */
export async function withPlugins(index: CompletionIndex, dataDir: string): Promise<CompletionSources> {
  const listed = objectsIn(asObject(readJson(join(dataDir, 'package.json'))['oclif'])['plugins'])
  if (listed.length === 0) return {index, plugins: []}
  const {indexCommands} = await import('./index-commands.js')
  let whole = index
  const plugins: string[] = []
  for (const {name, root, type} of listed) {
    if (typeof name !== 'string' || (type !== 'user' && type !== 'link')) continue
    plugins.push(name)
    const folder = type === 'link' && typeof root === 'string' ? root : join(dataDir, 'node_modules', name)
    const packageJson = readJson(join(folder, 'package.json'))
    if (packageJson['runctl'] !== undefined && asObject(packageJson['runctl'])['apiVersion'] !== API_VERSION) continue
    const own = indexCommands(readJson(join(folder, 'oclif.manifest.json')))
    whole = withBlock({...whole, commands: {...own, ...whole.commands}}, asObject(packageJson['runctl']))
  }
  return {index: whole, plugins}
}

function withBlock(index: CompletionIndex, block: Readonly<Record<string, unknown>>): CompletionIndex {
  const commands: Record<string, IndexedCommand> = {...index.commands}
  const topics: Record<string, string> = {...index.topics}
  const platforms = [...index.platforms]
  for (const [name, declared] of Object.entries(asObject(block['platforms']))) {
    if (!PLATFORM_NAME.test(name) || topics[name] !== undefined || platforms.includes(name)) continue
    const {createFlags, description} = asObject(declared)
    platforms.push(name)
    topics[name] = typeof description === 'string' ? description : ''
    for (const [id, command] of Object.entries(index.commands)) {
      const [platform, verb] = id.split(' ')
      if (platform !== 'local') continue
      const added = verb === 'create' ? Object.entries(asObject(createFlags)).map(([flag, one]) => declaredFlag(flag, asObject(one))) : []
      commands[verb === undefined ? name : `${name} ${verb}`] ??= {...command, flags: [...command.flags, ...added]}
    }
  }
  const configKeys = {...index.configKeys}
  for (const [section, settings] of Object.entries(asObject(block['settings']))) {
    for (const [key, setting] of Object.entries(asObject(settings))) {
      const {description, type} = asObject(setting)
      configKeys[`${section}.${key}`] ??= {summary: String(description ?? ''), ...(type === 'boolean' ? {options: ['true', 'false']} : {})}
    }
  }
  return {...index, commands, topics, platforms, configKeys}
}

function declaredFlag(name: string, {multiple, options, summary, type}: Readonly<Record<string, unknown>>): IndexedFlag {
  const base = {name, summary: String(summary ?? '')}
  if (type === 'boolean') return base
  const values = Array.isArray(options) ? {options: options.map(String)} : {kind: `suggest:${name}`}
  return {...base, takesValue: true, ...values, ...(multiple === true ? {multiple: true} : {})}
}
