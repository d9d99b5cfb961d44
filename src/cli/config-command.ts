import {describeConfiguration, getSetting} from '../config/describe-configuration.js'
import {initProject, type InitInput} from '../config/init-project.js'
import {loadConfiguration} from '../config/load-configuration.js'
import {setConfigValue, type SetConfigInput} from '../config/set-value.js'
import {validateConfiguration} from '../config/validate-configuration.js'
import type {ConfigSetResult, ConfigSetting, ConfigShowResult, ConfigValidateResult, InitResult} from '../model/config-answers.js'
import {RunctlCommand} from './base-command.js'

/** The commands about the configuration itself, and their way to it. */
export abstract class ConfigCommand<T> extends RunctlCommand<T> {
  protected async describeConfiguration(): Promise<ConfigShowResult> {
    return describeConfiguration(await loadConfiguration(await this.configPlace()))
  }

  protected async getSetting(key: string): Promise<ConfigSetting> {
    return getSetting(await loadConfiguration(await this.configPlace()), key)
  }

  protected async setConfigValue(input: Pick<SetConfigInput, 'key' | 'target' | 'value'>): Promise<ConfigSetResult> {
    return setConfigValue({...input, ...(await this.configPlace())})
  }

  protected async validateConfiguration(file: string | undefined): Promise<ConfigValidateResult> {
    const place = await this.configPlace()
    return validateConfiguration(file === undefined ? place : {...place, file})
  }

  protected initProject(input: Pick<InitInput, 'force' | 'name'>): Promise<InitResult> {
    return initProject({...input, cwd: process.cwd()})
  }
}
