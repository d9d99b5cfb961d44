/** A world with machines and a plain HTTP endpoint, for tests of the bench's own parts. */

import {createServer, type Server} from 'node:http'
import {mkdtemp, rm} from 'node:fs/promises'
import type {AddressInfo} from 'node:net'
import {tmpdir} from 'node:os'
import {join} from 'node:path'

import {createMachines, type MachinesOptions} from '../bench/machines/index.js'
import type {BenchInstance, BenchTimes, Machines} from '../bench/types.js'
import {newHexId, World} from '../bench/world.js'

export const QUICK: BenchTimes = {pendingMs: 0, stoppingMs: 0, shuttingDownMs: 0, onlineMs: 0, lagMs: 0, deliveryMs: 0, invocationLagMs: 0}

/** Only tests that need namespaces ask: they are skipped elsewhere. */
export const isRootOnLinux = process.platform === 'linux' && process.getuid?.() === 0

export function addInstance(world: World, fields: Partial<BenchInstance> = {}): BenchInstance {
  const instance: BenchInstance = {
    id: newHexId('i'),
    state: 'running',
    type: 't3.micro',
    imageId: 'ami-0a1f2e3d4c5b60001',
    spot: null,
    tags: new Map(),
    profileArn: [...world.instanceProfiles.values()][0]?.arn ?? null,
    clientToken: null,
    createdAt: new Date(),
    launchedAt: new Date(),
    stateReason: null,
    transitionReason: '',
    onlineAt: new Date(),
    spotNotice: null,
    userData: null,
    request: {},
    ...fields,
  }
  world.instances.set(instance.id, instance)
  return instance
}

export interface MachineWorld {
  readonly world: World
  readonly machines: Machines
  /** Of the temporary folder that holds everything. */
  readonly folder: string
  close(): Promise<void>
}

/** The endpoint answers every request with `METHOD PATH LENGTH`. */
export async function openMachineWorld(options: Partial<MachinesOptions> = {}): Promise<MachineWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'mw-'))
  const endpointSocket = join(folder, 'endpoint')
  const server = createServer((request, response) => {
    let length = 0
    request.on('data', (chunk: Buffer) => (length += chunk.length))
    request.on('end', () => response.end(`${request.method ?? ''} ${request.url ?? ''} ${length}`))
  })
  const port = await freePort()
  await new Promise<void>((resolve) => server.listen(endpointSocket, resolve))
  const world = new World({times: QUICK, region: 'us-east-1', endpointPort: port, socketPath: endpointSocket})
  world.addInstanceProfile('runctl-instance')
  world.machines = await createMachines({root: folder, endpointPort: port, endpointSocket, imds: world, ...options})
  return {
    world,
    machines: world.machines,
    folder,
    async close() {
      world.close()
      await world.machines.close()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await rm(folder, {recursive: true, force: true})
    },
  }
}

async function freePort(): Promise<number> {
  const server: Server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const {port} = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Runs a script to its end: `exit`, and what it printed. */
export async function runOn(machines: Machines, instance: BenchInstance, script: string, timeoutMs = 30_000): Promise<{code: number; out: string; err: string}> {
  const outcome = await machines.run(instance, script, {timeoutMs, signal: new AbortController().signal})
  return {code: outcome.exitCode, out: outcome.stdout.toString().trim(), err: outcome.stderr.toString().trim()}
}

/** Tries until it holds; the bench's machines are real and take their time. */
export async function eventually(holds: () => Promise<boolean> | boolean, withinMs = 10_000): Promise<void> {
  const end = Date.now() + withinMs
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`not within ${withinMs} ms: ${holds.toString()}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
