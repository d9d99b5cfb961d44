import {Command, Flags} from '@oclif/core'

class Shelves extends Command {
  static enableJsonFlag = true
  static summary = 'List the shelves of the shed.'
  static flags = {on: Flags.string({summary: 'A machine: how many processes it has.'})}

  async run() {
    const {flags} = await this.parse(Shelves)
    const {successes} = await this.config.runHook('runctl-api', {})
    const runctl = successes[0].result
    if (flags.on !== undefined) {
      const provider = await runctl.openPlatformOf(flags.on)
      const {processes} = await runctl.connectAgent(provider, flags.on).call('processes', {})
      this.log(`${flags.on} on ${provider.name} of ${(await runctl.platformNames()).join(', ')}: ${processes.length} processes`)
      return []
    }
    const shelves = (await runctl.settings()).shed.shelves ?? ['top', 'bottom']
    this.log(shelves.join('\n'))
    return shelves
  }
}

export default {shelves: Shelves}
