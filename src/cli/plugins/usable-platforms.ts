/** Of what the `platforms` hooks offer: the definitions that can be used, made safe to ask, and what is wrong with the others. */
import {isRunctlError, RunctlError} from '../../model/errors.js'
import {PROVIDER_API_VERSION, type PlatformDefinition, type Provider} from '../../providers/provider.js'
import type {Offered} from '../run-steps.js'
import type {JudgedPlugin} from './judge-plugins.js'
import {fixesOf, pluginProblem, type PluginProblem} from './plugin-problem.js'

export interface UsablePlatforms {
  readonly usable: readonly Offered<PlatformDefinition>[]
  readonly problems: readonly PluginProblem[]
}

/** `own`: the name of runctl's root plugin, whose platforms are used as they are. */
export function usablePlatforms(offered: readonly Offered<PlatformDefinition>[], own: string, judged: readonly JudgedPlugin[]): UsablePlatforms {
  const sorting = new Sorting(own, judged)
  for (const one of offered) sorting.add(one)
  return {usable: sorting.usable, problems: sorting.problems}
}

class Sorting {
  readonly usable: Offered<PlatformDefinition>[] = []
  readonly problems: PluginProblem[] = []

  constructor(private readonly own: string, private readonly judged: readonly JudgedPlugin[]) {}

  add({item, plugin}: Offered<PlatformDefinition>): void {
    const isOwn = plugin === this.own
    const declared = this.judged.find(({name}) => name === plugin)
    // Told already: the name that it declares is somebody else's.
    if (!isOwn && declared?.problems.some(({about, name}) => about === 'platform' && name === item.name)) return
    const wrong = this.#wrongWith(item, plugin, declared)
    if (wrong !== null) this.problems.push(pluginProblem(plugin, 'platform', item.name, wrong))
    else this.usable.push({plugin, item: isOwn ? item : this.#guarded(item, plugin)})
  }

  #wrongWith({apiVersion, name}: PlatformDefinition, plugin: string, declared: JudgedPlugin | undefined): string | null {
    if (!/^[a-z][a-z0-9-]*$/.test(name)) return `its platform has the name ${JSON.stringify(name)}, which is not lower case letters, digits and '-', beginning with a letter`
    if (apiVersion !== PROVIDER_API_VERSION) return `its platform ${name} is written for API ${JSON.stringify(apiVersion) ?? 'of no version'}, and this runctl has API ${PROVIDER_API_VERSION}`
    const owner = this.usable.find(({item}) => item.name === name)?.plugin
    if (owner === plugin) return `it registers the platform ${name} twice; the first one is used`
    if (owner !== undefined) return `its platform ${name} is passed over: ${owner === this.own ? 'runctl' : `plugin ${owner}`} has that name`
    // A plugin without a block is one of those that export their commands themselves.
    if (declared !== undefined && declared.apiVersion !== null && !Object.hasOwn(declared.platforms, name)) return `it registers the platform ${name}, which its package.json does not declare (runctl.platforms)`
    return null
  }

  /** A platform of a plugin can say anything: it never takes the id of a built-in one, and what it throws names the plugin. */
  #guarded(item: PlatformDefinition, plugin: string): PlatformDefinition {
    const isBuiltIn = (id: string): boolean => this.usable.some(one => one.plugin === this.own && one.item.ownsInstanceId(id))
    const named = (error: unknown): unknown => namedAfter(plugin, item.name, error)
    const isConfigured = item.isConfigured?.bind(item)
    return {
      name: item.name,
      apiVersion: item.apiVersion,
      description: String(item.description),
      ownsInstanceId(id) {
        try {
          const answer: unknown = isBuiltIn(id) ? false : item.ownsInstanceId(id)
          return answer === true
        } catch (error) {
          throw named(error)
        }
      },
      ...(isConfigured === undefined ? {} : {
        async isConfigured(environment) {
          try {
            const answer: unknown = await isConfigured(environment)
            return answer === true
          } catch (error) {
            throw named(error)
          }
        },
      }),
      async create(environment) {
        try {
          return checked(await item.create(environment))
        } catch (error) {
          throw named(error)
        }
      },
    }
  }
}

/** What it says by a RunctlError is meant for the user as it is. */
function namedAfter(plugin: string, platform: string, error: unknown): unknown {
  if (isRunctlError(error)) return error
  const why = error instanceof Error ? error.message : String(error)
  return new RunctlError('platform_failed', `the platform ${platform} of plugin ${plugin} failed: ${why}`, {next: fixesOf(plugin), cause: error})
}

const METHODS = ['createInstance', 'describeInstances', 'setTags', 'terminateInstance'] as const

/** What nothing works without; the contract tests (runctl/testing) look at all of it. */
function checked(provider: Provider): Provider {
  const made: Partial<Provider> | null | undefined = provider
  const lacks = [...METHODS.filter(method => typeof made?.[method] !== 'function'), ...(typeof made?.shell?.run === 'function' ? [] : ['shell.run'])]
  if (lacks.length > 0) throw new TypeError(`its \`create\` gave no provider: ${lacks.join(', ')} ${lacks.length === 1 ? 'is' : 'are'} missing`)
  return provider
}
