import {readFile} from 'node:fs/promises'
import path from 'node:path'
import type {Interfaces} from '@oclif/core'

import type {FormatModule} from '../agent/checkpoint-protocol.js'
import type {CheckpointFormat} from '../hooks/events.js'
import {collectCheckpointFormats} from './run-steps.js'

const API_VERSION = 1
const MAX_SOURCE_BYTES = 64 << 10

/** The formats of plugins with their modules read, and what is wrong with those that cannot be used: they take no other along. */
export async function loadCheckpointFormats(
  config: Pick<Interfaces.Config, 'name' | 'runHook'>,
): Promise<{readonly modules: readonly FormatModule[]; readonly problems: readonly string[]}> {
  const {failures, formats} = await collectCheckpointFormats(config)
  const problems = failures.map(({error, plugin}) => `the checkpoint formats of ${plugin} could not be loaded: ${error instanceof Error ? error.message : String(error)}`)
  const modules: FormatModule[] = []
  for (const format of formats) {
    const module = await readModule(format, modules).catch((error: unknown) => (error instanceof Error ? error.message : String(error)))
    if (typeof module === 'string') problems.push(`the checkpoint format ${JSON.stringify(format.name)} cannot be used: ${module}`)
    else modules.push(module)
  }
  return {modules, problems}
}

/** A sentence where it is not usable. */
async function readModule(format: CheckpointFormat, before: readonly FormatModule[]): Promise<FormatModule | string> {
  const {apiVersion, extensions, module, name} = format
  if ((apiVersion as number) !== API_VERSION) return `it is written for API ${String(apiVersion)}; this runctl has API ${API_VERSION}`
  if (!/^[a-z][a-z0-9-]{0,62}$/.test(name)) return "its name is not lower case letters, digits and '-'"
  if (before.some(one => one.name === name)) return 'there are two of this name; the first one is used'
  if (extensions.length === 0 || extensions.some(one => !/^\.[a-z0-9][a-z0-9._-]{0,30}$/.test(one))) return 'its extensions are not like ".gguf"'
  if (!path.isAbsolute(module)) return `${module} is not an absolute path`
  const source = await readFile(module, 'utf8')
  if (Buffer.byteLength(source) > MAX_SOURCE_BYTES) return `${module} has more than ${MAX_SOURCE_BYTES} bytes`
  return {name, extensions, source}
}
