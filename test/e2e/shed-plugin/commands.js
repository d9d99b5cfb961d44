import {Command} from '@oclif/core'

class Shelves extends Command {
  static enableJsonFlag = true
  static summary = 'List the shelves of the shed.'

  async run() {
    const shelves = ['top', 'bottom']
    this.log(shelves.join('\n'))
    return shelves
  }
}

export default {shelves: Shelves}
