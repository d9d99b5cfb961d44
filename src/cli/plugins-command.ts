import {EXIT_CODES} from '../model/errors.js'
import type {PluginReport} from '../model/plugin-report.js'
import {RunctlCommand} from './base-command.js'
import {addedPlugins} from './plugins/added-plugins.js'
import {changePlugins, type Change} from './plugins/change-plugins.js'
import {listedPlugins, type ListedPlugin} from './plugins/listed-plugins.js'
import {loadConfig} from './plugins/load-config.js'
import {corePlugins, reportPlugins} from './plugins/report-plugins.js'

/** The commands about plugins. */
export abstract class PluginsCommand<T> extends RunctlCommand<T> {
  protected async reports(): Promise<readonly PluginReport[]> {
    return reportPlugins({config: this.config, judged: await this.addedPlugins(), signal: this.signal})
  }

  protected coreReports(): readonly PluginReport[] {
    return corePlugins({config: this.config})
  }

  protected listed(): Promise<readonly ListedPlugin[]> {
    return listedPlugins(this.config.dataDir)
  }

  protected async change(change: Omit<Change, 'again'>): Promise<void> {
    this.progress.emit({type: 'note', message: `${change.what} …`})
    await this.progress.pause()
    await changePlugins(this.config, {...change, again: this.again({})})
  }

  /** What these plugins contribute now. One of which nothing is used is told by the exit status too. */
  protected async reportsAfter(isMeant: (plugin: ListedPlugin) => boolean): Promise<readonly PluginReport[]> {
    const config = await loadConfig(this.config.root, ['plugins'])
    const meant = (await this.listed()).filter(isMeant).map(({name}) => name)
    const reports = await reportPlugins({config, judged: await addedPlugins(config), signal: this.signal})
    const changed = reports.filter(({name}) => meant.includes(name))
    if (changed.some(({used}) => !used)) process.exitCode = EXIT_CODES.step_failed
    return changed
  }

  /** By name. */
  protected async versions(): Promise<ReadonlyMap<string, string>> {
    const config = await loadConfig(this.config.root, ['plugins'])
    return new Map((await addedPlugins(config)).map(({name, version}) => [name, version]))
  }
}
