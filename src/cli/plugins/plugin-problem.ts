import {wordForShell} from '../../model/quote-for-shell.js'

export interface PluginProblem {
  readonly plugin: string
  /** `plugin`: nothing of it is used. */
  readonly about: 'command' | 'flag' | 'platform' | 'plugin' | 'setting' | 'step'
  /** Of the command, flag, platform, section or event; null: of the plugin as a whole. */
  readonly name: string | null
  /** A sentence that names the plugin. */
  readonly message: string
  /** What mends it, most useful first. */
  readonly next: readonly string[]
}

export function pluginProblem(plugin: string, about: PluginProblem['about'], name: string | null, what: string, next: readonly string[] = fixesOf(plugin)): PluginProblem {
  return {plugin, about, name, message: `plugin ${plugin}: ${what}`, next}
}

/** A linked plugin is mended in its folder, by who has it there. */
export function fixesOf(plugin: string, kind: 'installed' | 'linked' = 'installed'): readonly string[] {
  return kind === 'linked' ? [uninstalling(plugin)] : ['runctl plugins update', uninstalling(plugin)]
}

export function uninstalling(plugin: string): string {
  return `runctl plugins uninstall ${wordForShell(plugin)}`
}

/** A line for the terminal. */
export function problemLine({message, next}: Pick<PluginProblem, 'message' | 'next'>): string {
  return next[0] === undefined ? message : `${message}; try: ${next.join(' or ')}`
}

/** Node's own messages go on for a page where a module is missing. */
export function firstLine(error: unknown): string {
  return (String(error instanceof Error ? error.message : error).split('\n')[0] ?? '').replace(/ imported from .*/, '')
}
