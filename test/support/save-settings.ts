import type {SaveSettings} from '../../src/core/save-settings.js'

/** As the defaults are: two minutes, a day. */
export const SAVE: SaveSettings = {graceMs: 120_000, meanTimeToInterruptionMs: 86_400_000}
