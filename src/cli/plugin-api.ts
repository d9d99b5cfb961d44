/** Answers the `runctl-api` hook: what the commands of plugins use of the runctl that runs them. */
import type {Interfaces} from '@oclif/core'

import {loadAgentFile, type AgentFile} from '../agent/agent-file.js'
import type {FormatModule} from '../agent/checkpoint-protocol.js'
import {AgentClient} from '../agent/client.js'
import {readConfiguration, type Configuration} from '../config/load-configuration.js'
import {platformSettings, pluginSettings} from '../config/platform-settings.js'
import type {RunctlApi, RunctlHook} from '../hooks/events.js'
import {RunctlError} from '../model/errors.js'
import {quoteForShell} from '../model/quote-for-shell.js'
import {PROVIDER_API_VERSION} from '../providers/provider.js'
import {loadCheckpointFormats} from './checkpoint-formats.js'
import {Platforms} from './platforms.js'
import {addedPlugins, declaredSettings} from './plugins/added-plugins.js'

type ApiConfig = Pick<Interfaces.Config, 'configDir' | 'dataDir' | 'name' | 'plugins' | 'runHook' | 'version'>

export const answerApi: RunctlHook<'runctl-api'> = async function ({config}) {
  return pluginApi(config, message => {
    this.warn(message)
  })
}

/** `warn` is told, once each, what is wrong with the configuration or with plugins; both are used without what is wrong. */
export function pluginApi(config: ApiConfig, warn: (message: string) => void): RunctlApi {
  let configuration: Promise<Configuration> | undefined
  let platforms: Promise<Platforms> | undefined
  let agentFile: Promise<AgentFile> | undefined
  let formats: Promise<readonly FormatModule[]> | undefined

  const configured = (): Promise<Configuration> => (configuration ??= readSettings(config, warn))
  const loaded = (): Promise<Platforms> => (platforms ??= addedPlugins(config)
    .then(async judged => Platforms.load(config, async name => platformSettings(await configured(), name), judged))
    .then(all => {
      for (const problem of all.problems) warn(problem)
      return all
    }))
  const formatModules = (): Promise<readonly FormatModule[]> => (formats ??= loadCheckpointFormats(config).then(({modules, problems}) => {
    for (const problem of problems) warn(problem)
    return modules
  }))

  return {
    apiVersion: PROVIDER_API_VERSION,
    version: config.version,
    RunctlError,
    settings: async () => pluginSettings(await configured()),
    platformNames: async () => (await loaded()).definitions.map(({name}) => name),
    openPlatform: async name => (await loaded()).open(name),
    async openPlatformOf(instanceId) {
      const all = await loaded()
      return all.open(all.ownerOf(instanceId))
    },
    connectAgent: (provider, instanceId) => new AgentClient(provider.shell, instanceId, () => (agentFile ??= loadAgentFile()), formatModules),
    quoteForShell,
  }
}

async function readSettings(config: ApiConfig, warn: (message: string) => void): Promise<Configuration> {
  const pluginSettings = declaredSettings(await addedPlugins(config))
  const {configuration, problems} = await readConfiguration({cwd: process.cwd(), configDir: config.configDir, env: process.env, pluginSettings})
  for (const {file, line, message} of problems) warn(`${file ?? 'environment'}${line === null ? '' : `:${line}`}: ${message}; the default is used`)
  return configuration
}
