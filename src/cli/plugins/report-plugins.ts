/** What each plugin contributes, and all that can be found to be wrong with it: `runctl plugins`, and what `install` and `link` say afterwards. */
import type {Interfaces} from '@oclif/core'

import {EVENT_RULES, type LifecycleEvent} from '../../hooks/events.js'
import {nearestName} from '../../model/nearest-name.js'
import {pathForShell} from '../../model/quote-for-shell.js'
import type {PluginReport, PluginReportProblem} from '../../model/plugin-report.js'
import type {PlatformDefinition} from '../../providers/provider.js'
import {undelivered} from '../platforms.js'
import {collectPlatforms, type Offered} from '../run-steps.js'
import type {JudgedPlugin} from './judge-plugins.js'
import {fixesOf, pluginProblem, type PluginProblem} from './plugin-problem.js'
import type {Trial} from './try-plugin.js'
import {tryPlugin} from './try-plugins.js'
import {usablePlatforms} from './usable-platforms.js'

export interface ReportInput {
  readonly config: Pick<Interfaces.Config, 'name' | 'plugins' | 'root' | 'runHook'>
  readonly judged: readonly JudgedPlugin[]
  readonly signal: AbortSignal
}

/** What they are for is asked elsewhere. */
const ASKED = ['runctl-api', 'platforms', 'checkpoint-formats']
const OCLIF_EVENTS = /^(init|prerun|postrun|finally|preparse|command_not_found|command_incomplete|jit_plugin_not_installed|(pre)?update|plugins:.*)$/

/** Each plugin is loaded in a process of its own. Sorted by name. */
export async function reportPlugins({config, judged, signal}: ReportInput): Promise<readonly PluginReport[]> {
  const trials = await Promise.all(judged.map(async ({isRefused, kind, name, root}) =>
    isRefused ? null : tryPlugin(config.root, {name, root, type: kind === 'linked' ? 'link' : 'user'}, signal)))
  const own = (await collectPlatforms(config)).platforms.filter(({plugin}) => plugin === config.name)
  const offered = judged.flatMap(({name}, at) => given(trials[at]).map(platform => ({plugin: name, item: {...DUMMY, ...platform} as PlatformDefinition})))
  const {problems, usable} = usablePlatforms([...own, ...offered], config.name, judged)
  const failed = judged.flatMap(({name}, at) => (given(trials[at]).length === 0 && failuresOf(trials[at]).some(one => one.name === 'platforms') ? [pluginProblem(name, 'step', 'platforms', '')] : []))
  const all = [...problems, ...undelivered(judged.filter((_, at) => typeof trials[at] === 'object'), offered, failed)]
  return judged.map((plugin, at) => report(plugin, config.plugins.get(plugin.name), trials[at] ?? null, {
    problems: all.filter(one => one.plugin === plugin.name),
    platforms: usable.filter(one => one.plugin === plugin.name),
  }))
}

/** What is asked of a definition besides its name is not asked here. */
const DUMMY = {description: '', ownsInstanceId: () => false, create: () => Promise.reject(new Error('only its name is known'))}

const given = (trial: Trial | string | null | undefined): Trial['platforms'] => (typeof trial === 'object' ? trial?.platforms ?? [] : [])
const failuresOf = (trial: Trial | string | null | undefined): Trial['failures'] => (typeof trial === 'object' ? trial?.failures ?? [] : [])

interface Platforms {
  readonly platforms: readonly Offered<PlatformDefinition>[]
  readonly problems: readonly PluginProblem[]
}

function report(judged: JudgedPlugin, plugin: Interfaces.Plugin | undefined, trial: Trial | string | null, {platforms, problems}: Platforms): PluginReport {
  const {apiVersion, isRefused, kind, name, root, settings, shadowed, version} = judged
  const events = isRefused ? [] : eventsOf(plugin)
  const ids = isRefused ? [] : commandIdsOf(plugin)
  const isSlow = ids.length > 0 && plugin?.hasManifest === false
  const fixes = fixesOf(name, kind)
  const found = [
    ...judged.problems,
    ...trialProblems(name, trial, fixes),
    ...problems,
    ...events.flatMap(event => mistypedEvent(name, event)),
    ...(isSlow ? [pluginProblem(name, 'command', null, 'it has commands, but no oclif.manifest.json: every run of runctl loads all of them', kind === 'linked' ? [`cd ${pathForShell(root)} && npx oclif manifest`] : fixes)] : []),
  ]
  return {
    name,
    version,
    kind,
    path: root,
    used: !isRefused && typeof trial !== 'string',
    api_version: apiVersion,
    platforms: platforms.map(({item}) => item.name),
    settings: Object.keys(settings).toSorted(),
    commands: ids.filter(id => !shadowed.includes(id)).map(id => id.replaceAll(':', ' ')).toSorted(),
    steps: events.filter(event => isEvent(event) && !ASKED.includes(event)).toSorted(),
    hooks: events.filter(event => OCLIF_EVENTS.test(event)).toSorted(),
    checkpoint_formats: typeof trial === 'object' ? [...(trial?.formats ?? [])].toSorted() : [],
    problems: found.map(({message, next}): PluginReportProblem => ({message, next})),
  }
}

function trialProblems(name: string, trial: Trial | string | null, fixes: readonly string[]): readonly PluginProblem[] {
  if (trial === null) return []
  if (typeof trial === 'string') return [pluginProblem(name, 'plugin', null, `it cannot be loaded: ${trial}`, fixes)]
  const failures = trial.failures.map(({about, name: what, why}) => pluginProblem(name, about, what, `its ${about === 'step' ? 'step at' : 'command'} ${what.replaceAll(':', ' ')} cannot be loaded: ${why}`, fixes))
  return [...failures, ...trial.formatProblems.map(problem => pluginProblem(name, 'step', 'checkpoint-formats', problem, fixes))]
}

const isEvent = (event: string): event is LifecycleEvent => Object.hasOwn(EVENT_RULES, event)

function mistypedEvent(plugin: string, event: string): readonly PluginProblem[] {
  if (isEvent(event) || OCLIF_EVENTS.test(event)) return []
  const meant = nearestName(event, Object.keys(EVENT_RULES))
  return [pluginProblem(plugin, 'step', event, `it has a step at ${JSON.stringify(event)}, which is no event${meant === null ? '' : `; ${meant} is one`}`, [])]
}

/** As package.json has them: for `runctl plugins` itself no hook of a plugin counts. */
function eventsOf(plugin: Interfaces.Plugin | undefined): readonly string[] {
  return Object.keys(plugin?.pjson.oclif.hooks ?? {})
}

function commandIdsOf(plugin: (Interfaces.Plugin & {readonly manifest?: {readonly commands: object}}) | undefined): readonly string[] {
  return Object.keys(plugin?.manifest?.commands ?? {})
}

/** runctl itself and the plugins that it comes with. */
export function corePlugins({config}: Pick<ReportInput, 'config'>): readonly PluginReport[] {
  return [...config.plugins.values()].filter(({type}) => type === 'core').map(plugin => ({
    name: plugin.name,
    version: plugin.version,
    kind: 'core' as const,
    path: plugin.root,
    used: true,
    api_version: null,
    platforms: [],
    settings: [],
    commands: plugin.commands.filter(({hidden}) => !hidden).map(({id}) => id.replaceAll(':', ' ')).toSorted(),
    steps: Object.keys(plugin.hooks).filter(event => isEvent(event) && !ASKED.includes(event)).toSorted(),
    hooks: Object.keys(plugin.hooks).filter(event => OCLIF_EVENTS.test(event)).toSorted(),
    checkpoint_formats: [],
    problems: [],
  })).toSorted((a, b) => (a.name < b.name ? -1 : 1))
}
