import {Flags} from '@oclif/core'

/** Of commands at whose events plugins may take part. */
export const stepFlags = {
  'no-plugin-steps': Flags.boolean({default: false, summary: "In an emergency: leave the steps of plugins out; runctl's own are run."}),
}

/** From the command line itself: what runs the steps is made before the flags are parsed. */
export const leavesPluginStepsOut = (argv: readonly string[]): boolean => argv.includes('--no-plugin-steps')
