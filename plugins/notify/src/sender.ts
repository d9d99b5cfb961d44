/** A process of its own, that no command waits for: `node sender.js FOLDER`. The addresses are in the files of the folder. */
import {setTimeout as sleep} from 'node:timers/promises'

import {deliver} from './deliver.js'
import {post} from './post.js'
import {ALIVE_EVERY_MS, SenderLock} from './sender-lock.js'
import {Spool} from './spool.js'

async function send(folder: string): Promise<void> {
  const spool = new Spool(folder)
  const lock = new SenderLock(folder)
  const alive = setInterval(() => void lock.tellAlive(), ALIVE_EVERY_MS)
  try {
    // Looked at again after the lock is given back: who laid down a message a moment before saw it held.
    while (!(await spool.isEmpty()) && (await lock.take())) {
      await deliver({spool, post: async (url, body, id) => post(url, body, id), now: Date.now, sleep: async ms => sleep(ms), random: Math.random, isOurs: async () => lock.isOwn()})
      await lock.release()
    }
  } finally {
    clearInterval(alive)
    await lock.release()
  }
}

const [folder] = process.argv.slice(2)
if (folder !== undefined) await send(folder)
