/**
 * What a plugin's step does besides its work must not reach the command: standard output belongs to the result, the process to the command, and an
 * error that nobody waits for (a promise that floats, a timer) ends Node as a rule, in the middle of a save as well.
 */
import {AsyncLocalStorage} from 'node:async_hooks'
import path from 'node:path'

export interface AddedPlugin {
  readonly name: string
  /** Folder of the plugin. */
  readonly root: string
}

const insideStep = new AsyncLocalStorage<true>()

/** Runs steps of plugins: what they write to standard output goes to standard error, and they cannot end the process. */
export function isolated<T>(run: () => Promise<T>): Promise<T> {
  guardProcess()
  return insideStep.run(true, run)
}

let isGuarded = false

function guardProcess(): void {
  if (isGuarded) return
  isGuarded = true
  const {stderr, stdout} = process
  const write = stdout.write.bind(stdout) as (...args: unknown[]) => boolean
  const toStderr = stderr.write.bind(stderr) as (...args: unknown[]) => boolean
  stdout.write = ((...args: unknown[]) => (insideStep.getStore() ? toStderr(...args) : write(...args)))
  const exit = process.exit.bind(process)
  process.exit = (code => {
    if (insideStep.getStore()) throw new Error('it called process.exit, which would end the command')
    return exit(code)
  })
}

let isListening = false
const known = new Map<string, AddedPlugin>()

/**
 * From now on an error that nobody waits for and that comes from a plugin is told and left at that; every other one ends the process, as it always
 * does. Whose it is, is known by its stack.
 */
export function tellStrayErrors(plugins: readonly AddedPlugin[], tell: (plugin: string, error: Error) => void): void {
  for (const plugin of plugins) known.set(plugin.name, plugin)
  if (isListening) return
  isListening = true
  // Rejections that nobody takes come here as well.
  process.on('uncaughtException', (error: unknown) => {
    const plugin = pluginOf(error, [...known.values()])
    if (plugin !== null) return tell(plugin, error as Error)
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
    process.exit(1)
  })
}

function pluginOf(error: unknown, plugins: readonly AddedPlugin[]): string | null {
  const stack = error instanceof Error ? (error.stack ?? '') : ''
  return plugins.find(({root}) => stack.includes(`${root}${path.sep}`) || stack.includes(`${root.split(path.sep).join('/')}/`))?.name ?? null
}
