import {Command, Flags} from '@oclif/core'
import {platformCommands} from 'runctl'

class Shelves extends Command {
  static enableJsonFlag = true
  static summary = 'List the shelves of the shed.'

  async run() {
    const shelves = ['top', 'bottom']
    this.log(shelves.join('\n'))
    return shelves
  }
}

export default {shelves: Shelves, ...platformCommands('shed', {createFlags: {shelf: Flags.string({summary: 'Which shelf.'})}})}
