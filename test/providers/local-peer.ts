/** Run as a process of its own by the tests of what two runctls do at once. Waits for a message before it begins. */
import {once} from 'node:events'

import {FolderLock} from '../../src/providers/local/folder-lock.js'
import {LocalProvider} from '../../src/providers/local/local-provider.js'
import {thisMachine} from '../../src/providers/local/machine.js'

const [what, folder = '', ...args] = process.argv.slice(2)
const machine = thisMachine()
const provider = new LocalProvider({dataDir: folder, env: process.env, machine, now: () => new Date()})

process.send?.('ready')
await once(process, 'message')
if (what === 'create') {
  const [requestId = ''] = args
  process.send?.((await provider.createInstance({requestId, tags: {}})).id)
} else if (what === 'tag') {
  const [id = '', prefix = '', count = ''] = args
  for (let index = 0; index < Number(count); index++) await provider.setTags(id, {[`${prefix}-${index}`]: ''})
  process.send?.('done')
} else {
  await new FolderLock(folder, machine).hold(async () => {
    process.send?.('held')
    await once(process, 'message')
  })
}
process.disconnect()
