import {Command} from '@oclif/core'

/** Counts the instances of every platform by their state. */
export default class Machines extends Command {
  static enableJsonFlag = true
  static summary = 'Count the machines of every platform by their state.'

  async run() {
    // runctl answers with what a command may use of it; its types are all that this plugin needs.
    const {failures, successes} = await this.config.runHook('runctl-api', {}, undefined, true)
    if (failures[0]) throw failures[0].error
    /** @type {import('runctl').RunctlApi} */
    const runctl = successes[0].result
    const counts = {}
    for (const name of await runctl.platformNames()) {
      try {
        const provider = await runctl.openPlatform(name)
        for await (const {state} of provider.describeInstances({})) counts[`${name} ${state}`] = (counts[`${name} ${state}`] ?? 0) + 1
      } catch (error) {
        this.logToStderr(`${name} is left out: ${error.message}`)
      }
    }
    for (const [what, count] of Object.entries(counts)) this.log(`${what}: ${count}`)
    return counts
  }
}
