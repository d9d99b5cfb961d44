/** The plugins that a person has added, as plugin-plugins keeps them in the data folder: also those that oclif could not load. */
import {readFile} from 'node:fs/promises'
import path from 'node:path'
import {Plugin} from '@oclif/core'

export interface ListedPlugin {
  readonly name: string
  readonly type: 'link' | 'user'
  /** Of a linked one its folder, else what oclif looks for it from. */
  readonly root: string
  /** What it was installed from, where that is no name. */
  readonly url?: string
}

/** Without those of a list that cannot be read: then oclif has none of them either. */
export async function listedPlugins(dataDir: string): Promise<readonly ListedPlugin[]> {
  const file = path.join(dataDir, 'package.json')
  const text = await readFile(file, 'utf8').catch(() => '{}')
  return entriesOf(text).flatMap(({name, root, type, url}): readonly ListedPlugin[] => {
    if (typeof name !== 'string') return []
    return type === 'link' ? (typeof root === 'string' ? [{name, type, root}] : []) : type === 'user' ? [{name, type, root: file, ...(typeof url === 'string' ? {url} : {})}] : []
  })
}

interface Entry {
  readonly name?: unknown
  readonly root?: unknown
  readonly type?: unknown
  readonly url?: unknown
}

function entriesOf(text: string): readonly Entry[] {
  try {
    const {oclif} = JSON.parse(text) as {readonly oclif?: {readonly plugins?: unknown}}
    return Array.isArray(oclif?.plugins) ? oclif.plugins.filter((one: unknown): one is Entry => typeof one === 'object' && one !== null) : []
  } catch {
    return []
  }
}

/** As oclif loads it, and with all that its configuration takes of it. Rejects with what is wrong. */
export async function loadListed({name, root, type}: ListedPlugin): Promise<Plugin> {
  const plugin = new Plugin({name, root, type})
  await plugin.load()
  for (const topic of plugin.topics) if (typeof topic.name !== 'string') throw new TypeError('oclif.topics in its package.json is wrong')
  return plugin
}
