/** SSM of the bench alone, over HTTP, with machines that are real. */

import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'

import {SSMClient} from '@aws-sdk/client-ssm'

import {Calls} from '../bench/counts.js'
import {Faults} from '../bench/faults.js'
import {createMachines} from '../bench/machines/index.js'
import {Endpoint} from '../bench/server.js'
import {SsmService} from '../bench/ssm/index.js'
import type {BenchInstance, BenchTimes, InstanceStateName} from '../bench/types.js'
import {World} from '../bench/world.js'
import {addInstance, QUICK} from './machine-world.js'

export interface SsmEndpoint {
  readonly world: World
  readonly ssm: SSMClient
  /** Running and started; its agent is online after `times.onlineMs`. */
  launch(fields?: Partial<BenchInstance>): Promise<BenchInstance>
  stop(instance: BenchInstance): Promise<void>
  start(instance: BenchInstance): Promise<void>
  terminate(instance: BenchInstance): Promise<void>
  close(): Promise<void>
}

export async function startSsmEndpoint(times: Partial<BenchTimes> = {}): Promise<SsmEndpoint> {
  const folder = await mkdtemp(join(tmpdir(), 'se-'))
  const socketPath = join(folder, 'endpoint')
  const endpoint = new Endpoint()
  const port = await endpoint.listen(socketPath)
  const world = new World({times: {...QUICK, ...times}, region: 'us-east-1', endpointPort: port, socketPath})
  world.addInstanceProfile('runctl-instance')
  world.machines = await createMachines({root: folder, endpointPort: port, endpointSocket: socketPath, imds: world, shutdownGraceMs: 200})
  const problems: unknown[] = []
  endpoint.serve({world, services: new Map([['ssm', new SsmService(world)]]), faults: new Faults(), calls: new Calls(), latencyMs: 0, onProblem: (error) => problems.push(error)})
  const key = world.addUser('tester')
  const ssm = new SSMClient({
    region: 'us-east-1',
    endpoint: `http://127.0.0.1:${port}`,
    credentials: {accessKeyId: key.id, secretAccessKey: key.secret},
    maxAttempts: 1,
  })
  const turn = (instance: BenchInstance, state: InstanceStateName): void => {
    const previous = instance.state
    instance.state = state
    instance.onlineAt = state === 'running' ? new Date(world.now().getTime() + world.times.onlineMs) : null
    world.tellState(instance, previous)
  }
  const start = async (instance: BenchInstance): Promise<void> => {
    await world.machines.start(instance)
    turn(instance, 'running')
  }
  return {
    world,
    ssm,
    start,
    async launch(fields) {
      const instance = addInstance(world, {state: 'pending', onlineAt: null, ...fields})
      await start(instance)
      return instance
    },
    async stop(instance) {
      turn(instance, 'stopping')
      await world.machines.stop(instance)
      turn(instance, 'stopped')
    },
    async terminate(instance) {
      turn(instance, 'shutting-down')
      await world.machines.remove(instance)
      turn(instance, 'terminated')
    },
    async close() {
      world.close()
      ssm.destroy()
      await endpoint.close()
      await world.machines.close()
      await rm(folder, {recursive: true, force: true})
      if (problems.length > 0) throw problems[0]
    },
  }
}
