import {RunctlError} from '../../src/model/errors.js'
import type {Instance, InstanceState} from '../../src/model/instance.js'
import type {CallOptions, CreateInstanceRequest, Holdings, InstanceQuery, ObjectStore, Pricing, Provider, Setup, Shell, ShellRequest, ShellResult} from '../../src/providers/provider.js'

export const INSTANCE_ID = 'mem-1'

export function sampleInstance(over: Partial<Instance> = {}): Instance {
  return {
    id: INSTANCE_ID,
    platform: 'mem',
    name: null,
    state: 'running',
    stateReason: null,
    region: null,
    instanceType: 'small',
    lifecycle: 'on-demand',
    createdAt: '2026-11-23T08:00:00Z',
    launchedAt: '2026-11-23T10:00:00Z',
    tags: {},
    ...over,
  }
}

export const shellResult = (stdout: Uint8Array | string = '', exitCode = 0, stderr = ''): ShellResult =>
  ({exitCode, stdout: Buffer.from(stdout), stderr: Buffer.from(stderr)})

/** A shell that answers what it is told to, and keeps what it was asked. */
export class ScriptedShell implements Shell {
  maxInputBytes = 1 << 20
  maxOutputBytes = 1 << 20
  maxWaitMs = 20_000
  recordsInput?: boolean
  readonly requests: ShellRequest[] = []
  answer: (request: ShellRequest, instanceId: string) => Promise<ShellResult> | ShellResult = () => shellResult()

  async run(instanceId: string, request: ShellRequest): Promise<ShellResult> {
    request.signal?.throwIfAborted()
    this.requests.push(request)
    return this.answer(request, instanceId)
  }
}

/** Instances in memory. Every call that changes something goes into a journal. */
export class MemoryProvider implements Provider {
  readonly name = 'mem'
  readonly shell = new ScriptedShell()
  readonly instances = new Map<string, Instance>()
  describes = 0
  pricing?: Pricing = {hourlyPrice: async () => ({usdPerHour: 1.006, source: 'test'})}
  store?: ObjectStore
  holdings?: Holdings
  setup?: Setup
  /** States that the next looks at an instance find, one a look; the last one stays. */
  readonly upcoming: InstanceState[] = []
  /** What a call rejects with, by its name. */
  readonly failures: Partial<Record<'createInstance' | 'setTags' | 'startInstance' | 'stopInstance' | 'terminateInstance', Error>> = {}

  constructor(readonly journal: string[] = [], instance: Instance | null = sampleInstance()) {
    if (instance) this.instances.set(instance.id, instance)
  }

  async createInstance(request: CreateInstanceRequest): Promise<Instance> {
    this.record('createInstance')
    return this.put(sampleInstance({id: 'mem-new', state: 'running', name: request.name ?? null, tags: request.tags}))
  }

  async *describeInstances(query: InstanceQuery, options: CallOptions = {}): AsyncIterable<Instance> {
    options.signal?.throwIfAborted()
    this.describes++
    const next = this.upcoming.shift()
    for (const instance of [...this.instances.values()]) {
      const current = next ? this.put({...instance, state: next}) : instance
      if (query.ids && !query.ids.includes(current.id)) continue
      if (query.states && !query.states.includes(current.state)) continue
      yield current
    }
  }

  startInstance = (id: string): Promise<Instance> => this.move('startInstance', id, 'running')
  stopInstance = (id: string): Promise<Instance> => this.move('stopInstance', id, 'stopped')
  terminateInstance = (id: string): Promise<Instance> => this.move('terminateInstance', id, 'terminated')

  async setTags(id: string, tags: Readonly<Record<string, string>>): Promise<void> {
    this.record('setTags')
    const instance = this.get(id)
    this.put({...instance, tags: {...instance.tags, ...tags}})
  }

  get(id: string = INSTANCE_ID): Instance {
    const instance = this.instances.get(id)
    if (!instance) throw new RunctlError('not_found', `there is no instance ${id}`)
    return instance
  }

  put(instance: Instance): Instance {
    this.instances.set(instance.id, instance)
    return instance
  }

  private async move(call: 'startInstance' | 'stopInstance' | 'terminateInstance', id: string, state: InstanceState): Promise<Instance> {
    this.record(call)
    return this.put({...this.get(id), state})
  }

  private record(call: keyof MemoryProvider['failures']): void {
    this.journal.push(call)
    const failure = this.failures[call]
    if (failure) throw failure
  }
}
