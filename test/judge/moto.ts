/** moto's server as a foreign judge of what the bench and runctl do. It is not written here, so it shares none of our mistakes. */

import {type ChildProcess, spawn} from 'node:child_process'
import {once} from 'node:events'
import {mkdtemp, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'

import {IMAGES} from '../bench/ec2/catalogue.js'

/** The program `moto_server`, of an installation of `moto[server]`. */
const PROGRAM = process.env['RUNCTL_TEST_MOTO'] ?? ''

/** Why nothing is judged; null: it is. */
export const WITHOUT_JUDGE = PROGRAM === '' ? 'skipped: RUNCTL_TEST_MOTO names no moto_server, see CONTRIBUTING.md' : null

export interface Moto {
  readonly url: string
  close(): Promise<void>
}

const START_LIMIT_MS = 60_000

/** On a free port of 127.0.0.1, an empty account but for a default VPC, and with the bench's images. */
export async function startMoto(): Promise<Moto> {
  const folder = await mkdtemp(join(tmpdir(), 'runctl-moto-'))
  const images = join(folder, 'images.json')
  await writeFile(images, JSON.stringify([...IMAGES.values()].map(asMotoImage)))
  const env = {...process.env, MOTO_AMIS_PATH: images, MOTO_IAM_LOAD_MANAGED_POLICIES: 'true', PYTHONDONTWRITEBYTECODE: '1', NO_COLOR: '1'}
  const child = spawn(PROGRAM, ['-H', '127.0.0.1', '-p', '0'], {cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe']})
  try {
    const url = await addressOf(child)
    return {
      url,
      close: async () => {
        await end(child)
        await rm(folder, {recursive: true, force: true})
      },
    }
  } catch (error) {
    await end(child)
    await rm(folder, {recursive: true, force: true})
    throw error
  }
}

function addressOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = ''
    const timer = setTimeout(() => reject(new Error(`moto did not start within ${START_LIMIT_MS} ms: ${said}`)), START_LIMIT_MS)
    const read = (chunk: Buffer): void => {
      // Its log of requests is of no use here.
      if (said.length < 10_000) said += chunk.toString()
      const address = /Running on (http:\/\/127\.0\.0\.1:\d+)/.exec(said)?.[1]
      if (address === undefined) return
      clearTimeout(timer)
      resolve(address)
    }
    child.stdout?.on('data', read)
    child.stderr?.on('data', read)
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`moto ended with exit status ${code}: ${said}`)))
  })
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}

function asMotoImage({id, name, description, ownerId, architecture, rootDevice, createdAt}: (typeof IMAGES extends ReadonlyMap<string, infer Image> ? Image : never)): object {
  return {
    ami_id: id, name, description, owner_id: ownerId, architecture,
    creation_date: createdAt, root_device_name: rootDevice, root_device_type: 'ebs', state: 'available', public: true,
    virtualization_type: 'hvm', hypervisor: 'xen', image_type: 'machine', image_location: `amazon/${name}`, platform: null, sriov: 'simple',
  }
}
