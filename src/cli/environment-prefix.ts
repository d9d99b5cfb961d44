import {quoteForShell} from '../model/quote-for-shell.js'

/** Before a command: a setting of a platform for this one alone, `RUNCTL_AWS_REGION=eu-west-1 `. */
export const environmentPrefix = (platform: string, name: string, value: string): string =>
  `RUNCTL_${`${platform}_${name}`.toUpperCase().replaceAll('-', '_')}=${/^[\w.-]+$/.test(value) ? value : quoteForShell(value)} `
