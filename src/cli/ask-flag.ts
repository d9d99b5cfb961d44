import {Flags} from '@oclif/core'

/** Of lists of instances. */
export const askFlag = Flags.boolean({
  default: true,
  allowNo: true,
  summary: 'Ask the running instances what runs on them, at most 8 seconds, for the work at risk. --no-ask lists what the platform and the tags say.',
})
