import type {Configuration} from '../config/load-configuration.js'
import type {SaveSettings} from '../core/save-settings.js'

export const saveSettings = (config: Configuration): SaveSettings =>
  ({graceMs: config.get('stop.grace'), meanTimeToInterruptionMs: config.get('spot.mean_time_to_interruption')})
