import {mkdir} from 'node:fs/promises'
import type {Interfaces} from '@oclif/core'

import {isRunctlError, RunctlError} from '../model/errors.js'
import {PROVIDER_API_VERSION, type PlatformDefinition, type Provider, type ProviderEnvironment} from '../providers/provider.js'
import {collectPlatforms} from './run-steps.js'

/** What the configuration says in the section of a platform's name; only what is set. */
export type SettingsOf = (platform: string) => Promise<Readonly<Record<string, unknown>>>

/** The platforms that can be used now, and what is wrong with those that cannot. */
export class Platforms {
  private readonly opened = new Map<string, Promise<Provider>>()
  private readonly regional = new Map<string, Provider>()

  private constructor(
    readonly definitions: readonly PlatformDefinition[],
    readonly problems: readonly string[],
    private readonly dataDir: string,
    private readonly settingsOf: SettingsOf,
  ) {}

  static async load(config: Pick<Interfaces.Config, 'dataDir' | 'name' | 'runHook'>, settingsOf: SettingsOf = () => Promise.resolve({})): Promise<Platforms> {
    const {failures, platforms} = await collectPlatforms(config)
    const problems = failures.map(({error, plugin}) => `the platforms of ${plugin} could not be loaded: ${error instanceof Error ? error.message : String(error)}`)
    const usable: PlatformDefinition[] = []
    for (const platform of platforms) {
      if (!/^[a-z][a-z0-9-]*$/.test(String(platform.name))) problems.push(`a platform has the name ${JSON.stringify(platform.name)}, which is not lower case letters, digits and '-'`)
      else if (platform.apiVersion !== PROVIDER_API_VERSION) {
        problems.push(`platform ${platform.name} is written for API ${platform.apiVersion}; this runctl has API ${PROVIDER_API_VERSION}: update the plugin or runctl`)
      } else if (usable.some(({name}) => name === platform.name)) problems.push(`platform ${platform.name} is registered twice; the first one is used`)
      else usable.push(platform)
    }
    return new Platforms(usable, problems, config.dataDir, settingsOf)
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

  /** The platform that an instance id belongs to, by its shape. Rejects with `bad_input`. */
  ownerOf(instanceId: string): string {
    const owner = this.definitions.find(platform => platform.ownsInstanceId(instanceId))
    if (owner) return owner.name
    throw new RunctlError('bad_input', `${JSON.stringify(instanceId)} is neither a platform nor an instance id of one (platforms: ${this.definitions.map(({name}) => name).join(', ')})`, {
      next: ['runctl resources list'],
    })
  }

  has(name: string): boolean {
    return this.definitions.some(platform => platform.name === name)
  }
}
