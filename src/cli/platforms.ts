import {mkdir} from 'node:fs/promises'
import type {Interfaces} from '@oclif/core'

import {isRunctlError, RunctlError} from '../model/errors.js'
import type {PlatformDefinition, Provider, ProviderEnvironment} from '../providers/provider.js'
import type {JudgedPlugin} from './plugins/judge-plugins.js'
import {firstLine, pluginProblem, problemLine, type PluginProblem} from './plugins/plugin-problem.js'
import {usablePlatforms} from './plugins/usable-platforms.js'
import {collectPlatforms, type Offered} from './run-steps.js'

/** What the configuration says in the section of a platform's name; only what is set. */
export type SettingsOf = (platform: string) => Promise<Readonly<Record<string, unknown>>>

/** The platforms that can be used now, and what is wrong with those that cannot. */
export class Platforms {
  private readonly opened = new Map<string, Promise<Provider>>()
  private readonly regional = new Map<string, Provider>()

  private constructor(
    readonly definitions: readonly PlatformDefinition[],
    /** A sentence each, with what mends it. */
    readonly problems: readonly string[],
    private readonly dataDir: string,
    private readonly settingsOf: SettingsOf,
  ) {}

  /** `judged`: the plugins that somebody added, as they were prepared at the start. */
  static async load(
    config: Pick<Interfaces.Config, 'dataDir' | 'name' | 'runHook'>,
    settingsOf: SettingsOf = () => Promise.resolve({}),
    judged: readonly JudgedPlugin[] = [],
  ): Promise<Platforms> {
    const {failures, platforms} = await collectPlatforms(config)
    const failed = failures.map(({error, plugin}) => pluginProblem(plugin, 'platform', null, `its platforms could not be loaded: ${firstLine(error)}`))
    const {problems, usable} = usablePlatforms(platforms, config.name, judged)
    const told = judged.flatMap(plugin => plugin.problems.filter(({about}) => about === 'platform' || about === 'plugin'))
    return new Platforms(usable.map(({item}) => item), [...told, ...failed, ...problems, ...undelivered(judged, platforms, failed)].map(problemLine), config.dataDir, settingsOf)
  }

  /** Rejects with `bad_input` for a name that nobody registered. */
  async open(name: string): Promise<Provider> {
    const definition = this.definitions.find(platform => platform.name === name)
    if (!definition) {
      throw new RunctlError('bad_input', `there is no platform ${name}; known: ${this.definitions.map(platform => platform.name).join(', ')}`, {next: ['runctl plugins']})
    }
    let provider = this.opened.get(name)
    if (!provider) {
      provider = this.makeDataDir()
        .then(async () => definition.create(await this.environmentOf(name)))
        .catch((error: unknown) => {
          throw isRunctlError(error) ? error : new Error(`platform ${name} could not be opened`, {cause: error})
        })
      this.opened.set(name, provider)
    }
    return provider
  }

  /** The same provider for the same region each time: what is asked of it at once can travel together. A platform without regions is itself. */
  async openIn(name: string, region: string): Promise<Provider> {
    const opened = await this.open(name)
    const key = `${name} ${region}`
    const provider = this.regional.get(key) ?? opened.inRegion?.(region) ?? opened
    this.regional.set(key, provider)
    return provider
  }

  /** Whether a command over all platforms asks this one: not if nobody has ever set it up. */
  async isConfigured(definition: PlatformDefinition): Promise<boolean> {
    return definition.isConfigured === undefined || definition.isConfigured(await this.environmentOf(definition.name))
  }

  private async environmentOf(name: string): Promise<ProviderEnvironment> {
    return {dataDir: this.dataDir, env: process.env, settings: await this.settingsOf(name), RunctlError}
  }

  private async makeDataDir(): Promise<void> {
    await mkdir(this.dataDir, {recursive: true}).catch((error: unknown) => {
      const why = (error as NodeJS.ErrnoException).code === 'EEXIST' ? 'it is a file' : (error as Error).message
      throw new RunctlError('platform_failed', `the data folder ${this.dataDir} (RUNCTL_DATA_DIR) cannot be made: ${why}`, {cause: error})
    })
  }

  /** The platform that an instance id belongs to, by its shape. Throws `bad_input`; what the platform of a plugin throws where the id is nobody else's. */
  ownerOf(instanceId: string): string {
    const {failures, owner} = this.ask(instanceId)
    if (owner !== null) return owner
    if (failures.length > 0) throw failures[0]
    throw new RunctlError('bad_input', `${JSON.stringify(instanceId)} is neither a platform nor an instance id of one (platforms: ${this.definitions.map(({name}) => name).join(', ')})`, {
      next: ['runctl resources list'],
    })
  }

  /** Whether a platform says that the id is one of its own. */
  knows(instanceId: string): boolean {
    return this.ask(instanceId).owner !== null
  }

  private ask(instanceId: string): {readonly owner: string | null; readonly failures: readonly unknown[]} {
    const failures: unknown[] = []
    for (const platform of this.definitions) {
      try {
        if (platform.ownsInstanceId(instanceId)) return {owner: platform.name, failures}
      } catch (error) {
        failures.push(error)
      }
    }
    return {owner: null, failures}
  }

  has(name: string): boolean {
    return this.definitions.some(platform => platform.name === name)
  }
}

/** Platforms that have commands, but that the plugin's hook does not give. */
export function undelivered(judged: readonly JudgedPlugin[], given: readonly Offered<PlatformDefinition>[], failed: readonly PluginProblem[]): readonly PluginProblem[] {
  return judged.filter(({name}) => !failed.some(({plugin}) => plugin === name)).flatMap(({name: plugin, platforms}) =>
    Object.keys(platforms)
      .filter(platform => !given.some(({item, plugin: giver}) => giver === plugin && item.name === platform))
      .map(platform => pluginProblem(plugin, 'platform', platform, `its package.json declares the platform ${platform}, but its \`platforms\` hook does not give it`)))
}
