import {Flags} from '@oclif/core'

import {parseDuration} from '../model/duration.js'

/** A duration such as `90s`, `10m` or `1h30m`; the value is in milliseconds. */
export const durationFlag = Flags.custom<number>({
  helpValue: '<duration>',
  parse: async input => parseDuration(input),
})
