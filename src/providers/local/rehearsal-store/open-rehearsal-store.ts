import {mkdir, mkdtemp, readdir, stat} from 'node:fs/promises'
import {join} from 'node:path'

import type {RehearsalStore} from '../../provider.js'
import {removeFolder} from '../remove-folder.js'
import {Door} from './door.js'
import {HalfWay} from './half-way.js'
import {RehearsalObjects} from './rehearsal-objects.js'
import {startS3Server} from './s3-server.js'
import {StoredObjects} from './stored-objects.js'

const BUCKET = 'rehearsal'
/** What a killed rehearsal left lying is removed by the first one after so long. */
const LEFT_BEHIND_MS = 86_400_000

/** `root`: a folder on the disk where instances are, made where it is not there. */
export async function openRehearsalStore(root: string, now: () => Date): Promise<RehearsalStore> {
  await mkdir(root, {recursive: true, mode: 0o700})
  await removeLeftBehind(root)
  const folder = await mkdtemp(join(root, 'store-'))
  const [objects, halfWay, door] = [new StoredObjects(folder), new HalfWay(), new Door(now)]
  const {port, server} = await startS3Server({bucket: BUCKET, door, halfWay, objects})
  return {
    store: new RehearsalObjects({bucket: BUCKET, door, objects, address: `http://127.0.0.1:${port}`}),
    uri: `s3://${BUCKET}/`,
    onceHalfWay: (bytes, then) => halfWay.once(bytes, then),
    async close() {
      const closed = new Promise(resolve => server.close(resolve))
      server.closeAllConnections()
      await closed
      await removeFolder(folder)
    },
  }
}

async function removeLeftBehind(root: string): Promise<void> {
  for (const name of await readdir(root)) {
    const info = await stat(join(root, name)).catch(() => null)
    // The file system's clock is the real one.
    if (name.startsWith('store-') && info && Date.now() - info.mtimeMs > LEFT_BEHIND_MS) await removeFolder(join(root, name))
  }
}
