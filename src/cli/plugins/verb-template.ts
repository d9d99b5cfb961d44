/**
 * The commands of a platform as oclif keeps commands that it has not loaded: flags, arguments, help. The build makes them from `platformCommands`
 * once, with this word in the place of the platform's name, so that a plugin's platform has its commands without loading any of them.
 */
import {readFile} from 'node:fs/promises'
import type {Command} from '@oclif/core'

/** Stands for the platform's name. As a name of a platform it would be one like any other. */
export const NAME_IN_TEMPLATE = 'name-of-the-platform'

/** In dist/, from src/ and from dist/ alike. */
const FILE = new URL('../../../dist/cli/platform-verbs.json', import.meta.url)

export type VerbTemplate = Readonly<Record<string, Command.Cached>>

let read: Promise<string> | undefined

/** The commands of a platform of this name, by their ids. */
export async function verbsOf(platform: string): Promise<VerbTemplate> {
  read ??= readFile(FILE, 'utf8')
  // Names are letters, digits and '-' (read-block.ts), so the text stays JSON.
  return JSON.parse((await read).replaceAll(NAME_IN_TEMPLATE, platform)) as VerbTemplate
}
