import type {PluginReport} from '../model/plugin-report.js'
import {RunctlCommand} from './base-command.js'
import {corePlugins, reportPlugins} from './plugins/report-plugins.js'

/** The commands about plugins. */
export abstract class PluginsCommand<T> extends RunctlCommand<T> {
  protected async reports(): Promise<readonly PluginReport[]> {
    return reportPlugins({config: this.config, judged: await this.addedPlugins(), signal: this.signal})
  }

  protected coreReports(): readonly PluginReport[] {
    return corePlugins({config: this.config})
  }
}
