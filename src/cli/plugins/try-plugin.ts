/**
 * A process of its own (try-plugins.ts starts it): loads one plugin with everything that it has, and tells by a message what came of it. Whatever
 * the plugin does meanwhile, `runctl plugins` goes on.
 */
import {Config, ModuleLoader, settings, type Plugin} from '@oclif/core'

import {loadCheckpointFormats} from '../checkpoint-formats.js'
import {collectPlatforms} from '../run-steps.js'
import {loadListed, type ListedPlugin} from './listed-plugins.js'
import {firstLine} from './plugin-problem.js'

export interface Trial {
  /** What its `platforms` hook gives. */
  readonly platforms: readonly {readonly name: string; readonly apiVersion: unknown}[]
  readonly formats: readonly string[]
  readonly failures: readonly {readonly about: 'command' | 'step'; readonly name: string; readonly why: string}[]
  /** Of `checkpoint-formats`, a sentence each. */
  readonly formatProblems: readonly string[]
}

export interface TrialInput {
  readonly root: string
  readonly plugin: ListedPlugin
}

async function tryPlugin({plugin: listed, root}: TrialInput): Promise<Trial> {
  settings.enableAutoTranspile = false
  const config = await Config.load({root, userPlugins: false})
  const plugin = await loadListed(listed)
  config.plugins.set(plugin.name, plugin)
  const failures = [...(await failingSteps(plugin)), ...(await failingCommands(plugin))]
  const {failures: notGiven, platforms} = await collectPlatforms(config)
  const {modules, problems} = await loadCheckpointFormats(config)
  const isTold = failures.some(({name}) => name === 'platforms')
  return {
    platforms: platforms.filter(one => one.plugin === plugin.name).map(({item}) => ({name: item.name, apiVersion: item.apiVersion})),
    formats: modules.map(({name}) => name),
    failures: [...failures, ...(isTold ? [] : notGiven.map(({error}) => ({about: 'step' as const, name: 'platforms', why: firstLine(error)})))],
    formatProblems: failures.some(({name}) => name === 'checkpoint-formats') ? [] : problems,
  }
}

async function failingSteps(plugin: Plugin): Promise<Trial['failures']> {
  const hooks = Object.entries(plugin.hooks).flatMap(([event, all]) => all.map(hook => ({event, ...hook})))
  const tried = await Promise.all(hooks.map(async ({event, identifier, target}) => {
    try {
      const module = await ModuleLoader.load<Readonly<Record<string, unknown>>>(plugin, target)
      const isThere = typeof module[identifier] === 'function' || (identifier === 'default' && Object.values({module, ...module}).some(one => typeof one === 'function'))
      return isThere ? [] : [{about: 'step' as const, name: event, why: `${target} has no function ${identifier}`}]
    } catch (error) {
      return [{about: 'step' as const, name: event, why: firstLine(error)}]
    }
  }))
  return tried.flat()
}

async function failingCommands(plugin: Plugin): Promise<Trial['failures']> {
  const tried = await Promise.all(plugin.commands.map(async command => {
    try {
      await command.load()
      return []
    } catch (error) {
      return [{about: 'command' as const, name: command.id, why: firstLine(error)}]
    }
  }))
  return tried.flat()
}

process.once('message', (input: TrialInput) => {
  const tell = (answer: Trial | {readonly error: string}): void => void process.send?.(answer, () => process.exit(0))
  tryPlugin(input).then(tell, (error: unknown) => {
    tell({error: firstLine(error)})
  })
})
