/** Has plugin-plugins install, link, update or uninstall, and says in our words what came of it. */
import {readFile, rm, writeFile} from 'node:fs/promises'
import path from 'node:path'
import {ux, type Interfaces} from '@oclif/core'

import {RunctlError} from '../../model/errors.js'
import {isNetworkCode, limitNpmPatience, npmCodeIn, runNpm} from './npm.js'

export interface Change {
  readonly id: 'plugins:install' | 'plugins:link' | 'plugins:uninstall' | 'plugins:update'
  /** As for plugin-plugins. */
  readonly argv: readonly string[]
  /** Done with what, for messages: `install runctl-plugin-x`. */
  readonly what: string
  /** What npm and plugin-plugins print goes to standard error; else it is shown only where they fail. */
  readonly isVerbose: boolean
  /** The command to try again. */
  readonly again: string
}

/** What `npm install` changes besides node_modules. */
const FILES = ['package.json', 'package-lock.json'] as const

/** Where it fails nothing has changed. Rejects with `not_found`, `bad_input` or `platform_failed`. */
export async function changePlugins(config: Interfaces.Config, change: Change): Promise<void> {
  const delegate = config.plugins.get('@oclif/plugin-plugins')
  if (delegate === undefined) throw new Error('plugin-plugins is not part of this runctl')
  limitNpmPatience(process.env)
  const command = await delegate.findCommand(change.id, {must: true})
  const before = await Promise.all(FILES.map(name => textOf(path.join(config.dataDir, name))))
  const {error, output} = await quietly(() => command.run([...change.argv], config) as Promise<unknown>, change.isVerbose)
  if (error === null) return
  await restore(config.dataDir, before, delegate.root)
  throw await explained(error, output, change, config, delegate.root)
}

/** plugin-plugins writes npm's output to standard output, which is for the result. */
async function quietly(work: () => Promise<unknown>, isVerbose: boolean): Promise<{readonly error: unknown; readonly output: string}> {
  const {stderr, stdout} = process
  const chunks: string[] = []
  const writes = [stdout, stderr].map(stream => ({stream, write: stream.write.bind(stream)}))
  const toStderr: (text: string) => boolean = stderr.write.bind(stderr)
  const take = (chunk: Uint8Array | string, ...rest: readonly unknown[]): boolean => {
    const text = typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8')
    chunks.push(text)
    if (isVerbose) toStderr(text)
    const done = rest.find((one): one is () => void => typeof one === 'function')
    done?.()
    return true
  }
  for (const {stream} of writes) stream.write = take
  // It keeps its own way to the terminal.
  const action: {start: unknown; stop: unknown} = ux.action
  const shown = {start: action.start, stop: action.stop}
  Object.assign(action, {start: () => undefined, stop: () => undefined})
  try {
    await work()
    return {error: null, output: chunks.join('')}
  } catch (error) {
    return {error, output: chunks.join('')}
  } finally {
    for (const {stream, write} of writes) stream.write = write
    Object.assign(action, shown)
  }
}

async function textOf(file: string): Promise<string | null> {
  return readFile(file, 'utf8').catch(() => null)
}

/** A package that npm has installed, but that turned out to be no plugin, is taken out again. */
async function restore(dataDir: string, before: readonly (string | null)[], npmRoot: string): Promise<void> {
  const after = await Promise.all(FILES.map(name => textOf(path.join(dataDir, name))))
  if (after.every((text, at) => text === before[at])) return
  for (const [at, name] of FILES.entries()) {
    const text = before[at] ?? null
    const file = path.join(dataDir, name)
    if (text === null) await rm(file, {force: true})
    else await writeFile(file, text)
  }
  // Without a package.json npm would take the folder above for its own.
  if (before[0] === null) await rm(path.join(dataDir, 'node_modules'), {recursive: true, force: true})
  else await runNpm(npmRoot, ['prune', '--offline', '--no-audit', '--no-fund', '--ignore-scripts'], dataDir)
}

async function explained(error: unknown, output: string, {again, argv, id, what}: Change, {dataDir, npmRegistry}: Interfaces.Config, npmRoot: string): Promise<RunctlError> {
  const message = error instanceof Error ? error.message : String(error)
  const missing = /^(\S+) does not exist in the registry/.exec(message)?.[1]
  const absent = /^(.+) is not installed$/.exec(message)?.[1]
  const details = {npm: output.split('\n').map(line => line.trim()).filter(line => line.startsWith('npm error')).slice(0, 20)}
  if (absent !== undefined) return new RunctlError('not_found', `there is no plugin ${JSON.stringify(absent)}`, {next: ['runctl plugins']})
  if (/plugin is invalid/.test(message)) return new RunctlError('bad_input', `${argv.at(-1) ?? what} is no plugin: its package.json has no "oclif"; nothing was changed`)
  // plugin-plugins says so whatever went wrong.
  const registry = npmRegistry === undefined ? [] : [`--registry=${npmRegistry}`]
  const code = npmCodeIn(missing === undefined ? output : await runNpm(npmRoot, ['view', missing, 'name', ...registry], await existing(dataDir)))
  if (isNetworkCode(code)) {
    const without = id === 'plugins:install' ? ' A packed plugin (./plugin.tgz) or a folder (./plugin) without dependencies needs no network.' : ''
    return new RunctlError('platform_failed', `could not ${what}: the registry of npm packages does not answer (${code}). Nothing was changed.${without}`, {next: [again, 'npm ping'], details, cause: error})
  }
  if (missing !== undefined && code === 'E404') {
    return new RunctlError('not_found', `there is no package ${missing} in the registry of npm packages; nothing was changed`, {next: ['npm search runctl-plugin'], details, cause: error})
  }
  const why = details.npm.map(line => line.replace(/^npm error ?/, '')).find(line => line !== '' && !/^(code|errno|syscall|path) /.test(line)) ?? message.split('\n')[0] ?? ''
  return new RunctlError('platform_failed', `could not ${what}: ${why}. Nothing was changed.`, {next: [`${again} --verbose`], details, cause: error})
}

/** The data folder of somebody who has none is made with the first plugin. */
async function existing(dataDir: string): Promise<string> {
  return (await readFile(path.join(dataDir, 'package.json')).catch(() => null)) === null ? process.cwd() : dataDir
}
