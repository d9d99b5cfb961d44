import {expect} from 'chai'
import {once} from 'node:events'
import {mkdtemp, rm} from 'node:fs/promises'
import {createServer} from 'node:http'
import type {AddressInfo} from 'node:net'
import {tmpdir} from 'node:os'
import {join} from 'node:path'

import {localPlatform} from '../../src/providers/local/local-platform.js'
import type {CreateInstanceRequest, DiskPrice, Holding, Pricing, Provider, Shell, ShellRequest} from '../../src/providers/provider.js'
import {isRunctlError} from '../../src/model/errors.js'
import type {Instance} from '../../src/model/instance.js'
import {ContractViolation, providerContract, type ContractCase} from '../../src/testing/index.js'
import {MemoryStore} from '../support/memory-store.js'
import {RunctlError} from '../../src/model/errors.js'

/** A provider that does one thing otherwise. Methods of the prototype included, which a spread would lose. */
function otherwise<T extends object>(target: T, change: Partial<T>): T {
  const take = (key: PropertyKey): unknown => {
    const value = (key in change ? Reflect.get(change, key) : Reflect.get(target, key)) as unknown
    return typeof value === 'function' && !(key in change) ? (value.bind(target) as unknown) : value
  }
  return new Proxy(target, {get: (_, key) => take(key)})
}

function withShell(provider: Provider, run: (shell: Shell, id: string, request: ShellRequest) => ReturnType<Shell['run']>): Provider {
  return otherwise(provider, {shell: otherwise(provider.shell, {run: (id, request) => run(provider.shell, id, request)})})
}

function withHistory(provider: Provider, agoMs: readonly number[]): Pricing {
  const priceHistory = (_: unknown, __: Date, to: Date) => Promise.resolve(agoMs.map(ms => ({from: new Date(to.getTime() + ms).toISOString(), usdPerHour: 1})))
  return {...pricingOf(provider), priceHistory}
}

const withDisks = (provider: Provider, prices: (ids: readonly string[]) => ReadonlyMap<string, DiskPrice>): Pricing =>
  ({...pricingOf(provider), diskPrices: ids => Promise.resolve(prices(ids))})

const pricingOf = ({pricing}: Provider): Pricing => pricing ?? {hourlyPrice: () => Promise.resolve(null)}

const holding = (over: Partial<Holding> = {}): Holding => ({
  id: 'vol-1', kind: 'volume', name: null, region: null, state: 'in-use', sizeGib: 8, type: null, createdAt: null, attachedTo: null, goesWithInstance: true,
  usdPerMonth: 1, priceSource: 'x', tags: {}, ...over,
})

async function* listed(...holdings: readonly Holding[]): AsyncIterable<Holding> {
  yield* await Promise.resolve(holdings)
}

/** What is wrong with a provider, and the case that must notice. */
const DEFECTS: readonly {readonly defect: string; readonly notices: string; readonly make: (provider: Provider) => Provider}[] = [
  {
    defect: 'ignores the request id',
    notices: 'creates one instance for one request id',
    make: p => otherwise(p, {createInstance: request => p.createInstance({...request, requestId: String(Math.random())})}),
  },
  {
    defect: 'writes tags only later',
    notices: 'gives an instance its name and tags',
    make: p => otherwise(p, {createInstance: request => p.createInstance({...request, tags: {}})}),
  },
  {
    defect: 'ignores filters',
    notices: 'describes by id, state and tags',
    make: p => otherwise(p, {describeInstances: query => p.describeInstances(query.ids ? {ids: query.ids} : {})}),
  },
  {
    defect: 'swallows tags',
    notices: 'merges tags',
    make: p => otherwise(p, {setTags: () => Promise.resolve()}),
  },
  {
    defect: 'passes over options that it does not know',
    notices: 'refuses options that it does not know',
    make: p => otherwise(p, {createInstance: ({options: _, ...request}) => p.createInstance(request)}),
  },
  {
    defect: 'forgets limits at the launch',
    notices: 'gives an instance its limits',
    make: p => otherwise(p, {createInstance: ({limits: _, ...request}) => p.createInstance(request)}),
  },
  {
    defect: 'keeps no hard limit',
    notices: 'powers an instance off at its hard limit',
    make: p => otherwise(p, {createInstance: ({limits, ...request}) => p.createInstance({...request, ...(limits ? {limits: {...limits, hardSeconds: null}} : {})})}),
  },
  {
    defect: 'does not know what becomes of an instance that powers itself off',
    notices: 'powers an instance off when',
    make: p => otherwise(p, {selfStop: {install: null, endsAs: () => 'terminate', access: null}}),
  },
  {
    defect: 'cannot set up what powers off',
    notices: 'sets up what powers',
    make: p => otherwise(p, {selfStop: {install: 'echo no >&2; exit 1', endsAs: () => 'stop', access: null}}),
  },
  {
    defect: 'passes over filters that it does not know',
    notices: 'refuses filters that it does not know',
    make: p => otherwise(p, {describeInstances: ({filters: _, ...query}) => p.describeInstances(query)}),
  },
  {
    defect: 'has a price that is no figure',
    notices: 'prices: are figures with a source',
    make: p => otherwise(p, {pricing: {hourlyPrice: () => Promise.resolve({usdPerHour: Number.NaN, source: 'x'})}}),
  },
  {
    defect: 'prices disks of instances that do not exist',
    notices: 'prices: of disks are told for instances that exist',
    make: p => otherwise(p, {pricing: withDisks(p, ids => new Map(ids.map(id => [id, {usdPerMonth: 1, gib: 8, source: 'x'}])))}),
  },
  {
    defect: 'tells price changes newest first',
    notices: 'prices: over time are in order',
    make: p => otherwise(p, {pricing: withHistory(p, [0, -1000])}),
  },
  {
    defect: 'begins with a price from before the start',
    notices: 'prices: over time are in order',
    make: p => otherwise(p, {pricing: withHistory(p, [-2 * 86_400_000, 0])}),
  },
  {
    defect: 'deletes what is in use',
    notices: 'what else is billed: is told once each',
    make: p => {
      let last = ''
      const createInstance = async (request: CreateInstanceRequest): Promise<Instance> => {
        const made = await p.createInstance(request)
        last = made.id
        return made
      }
      return otherwise(p, {createInstance, holdings: {list: () => listed(holding({attachedTo: last})), delete: () => Promise.resolve()}})
    },
  },
  {
    defect: 'says that a disk costs nothing',
    notices: 'what else is billed: is told once each',
    make: p => otherwise(p, {holdings: {list: () => listed(holding({usdPerMonth: 0})), delete: () => Promise.resolve()}}),
  },
  {
    defect: 'tells of everything in every region',
    notices: 'regions: have different names',
    make: p => {
      const here = otherwise(p, {createInstance: async request => ({...(await p.createInstance(request)), region: 'a'})})
      return otherwise(here, {regions: () => Promise.resolve(['a', 'b']), inRegion: () => p})
    },
  },
  {
    defect: 'decodes output as text',
    notices: 'passes bytes in and out exactly',
    make: p => withShell(p, async (shell, id, request) => {
      const result = await shell.run(id, request)
      return {...result, stdout: Buffer.from(Buffer.from(result.stdout).toString('utf8'))}
    }),
  },
  {
    defect: 'mixes the streams',
    notices: 'keeps standard error apart',
    make: p => withShell(p, (shell, id, request) => shell.run(id, {...request, script: `exec 2>&1; ${request.script}`})),
  },
  {
    defect: 'throws for a failed script',
    notices: 'gives the exit status as a result',
    make: p => withShell(p, async (shell, id, request) => {
      const result = await shell.run(id, request)
      if (result.exitCode !== 0) throw new Error('failed')
      return result
    }),
  },
  {
    defect: 'quotes the script wrongly',
    notices: 'runs the script as it is written',
    make: p => withShell(p, (shell, id, request) => shell.run(id, {...request, script: `sh -c "${request.script}"`})),
  },
  {
    defect: 'ignores the signal',
    notices: 'gives up a call when its signal says so',
    make: p => withShell(p, (shell, id, {script, timeoutMs}) => shell.run(id, {script, timeoutMs: Math.min(timeoutMs, 2000)})),
  },
]

/** What is wrong with a store, and the case that must notice. */
const STORE_DEFECTS: readonly {readonly defect: string; readonly notices: string; readonly make: (store: ServedStore) => Partial<MemoryStore>}[] = [
  {defect: 'takes the end of a range for what is left out', notices: 'gives back what was put', make: s => ({get: (uri, options) => s.get(uri, options?.range ? {range: [options.range[0], options.range[1] - 1]} : {})})},
  {defect: 'tells no progress', notices: 'sends a file', make: s => ({put: (uri, content) => s.put(uri, content)})},
  {defect: 'rejects for what is not there', notices: 'tells of an object', make: s => ({head: async uri => (await s.head(uri)) ?? s.get(uri).then(() => null)})},
  {defect: 'lists only the first', notices: 'lists what is below', make: s => ({list: async function* (uri) {
    for await (const one of s.list(uri)) {
      yield one
      return
    }
  }})},
  {defect: 'names files as folders', notices: 'names the folders', make: s => ({folders: async function* (uri) {
    for await (const one of s.list(uri)) yield `${one.uri}/`
  }})},
  {defect: 'lets every racer win', notices: 'lets exactly one', make: s => ({put: (uri, content) => s.put(uri, content)})},
  {defect: 'deletes only the first', notices: 'deletes', make: s => ({delete: uris => s.delete(uris.slice(0, 1))})},
  {defect: 'gives addresses that may do anything', notices: 'gives addresses', make: s => ({presign: uri => s.presign(uri, 'PUT')})},
  {defect: 'takes any address', notices: 'says what is wrong', make: s => ({put: uri => (uri.startsWith('s3://b/') ? s.put(uri, new Uint8Array(1)) : Promise.resolve(true))})},
  {defect: 'has a scratch that is no prefix', notices: 'has a region', make: () => ({scratch: 's3://b/tmp' as unknown as null})},
]

/** A store whose addresses really work, on this machine. */
class ServedStore extends MemoryStore {
  readonly server = createServer((request, response) => {
    const [, method, uri = ''] = (request.url ?? '').split('/').map(decodeURIComponent)
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      if (method !== request.method) response.writeHead(403).end()
      else if (method === 'PUT') void this.put(uri, Buffer.concat(parts)).then(() => response.end())
      else void this.get(uri).then(bytes => response.end(bytes))
    })
  })

  override presign(uri: string, method: 'GET' | 'PUT'): Promise<string> {
    return Promise.resolve(`http://127.0.0.1:${(this.server.address() as AddressInfo).port}/${method}/${encodeURIComponent(uri)}`)
  }
}

describe('the provider contract', () => {
  let dataDir: string
  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'runctl-'))
  })
  after(() => rm(dataDir, {recursive: true}))
  const local = (): Promise<Provider> => localPlatform.create({dataDir, env: process.env, settings: {}, RunctlError})

  for (const {defect, notices, make} of DEFECTS) {
    it(`notices a provider that ${defect}`, async () => {
      const all = providerContract(async () => make(await local()), {transitionTimeoutMs: 1000})
      const cases = all.filter(({title}) => title.startsWith(notices))
      expect(cases).to.have.length(1)
      const error = await cases[0]?.run().then(() => undefined, (thrown: unknown) => thrown)
      const expected = error instanceof ContractViolation || (error instanceof Error && error.message === 'failed')
      expect(expected, String(error)).to.equal(true)
    })
  }

  describe('of a store', () => {
    let store: ServedStore
    beforeEach(async () => {
      store = new ServedStore()
      store.server.listen(0, '127.0.0.1')
      await once(store.server, 'listening')
    })
    afterEach(() => store.server.close())
    const casesOf = (change: Partial<MemoryStore>): readonly ContractCase[] =>
      providerContract(async () => otherwise(await local(), {store: otherwise(store, change)}), {storeUri: 's3://b/tests/'}).filter(({title}) => title.startsWith('store: '))

    it('holds of one that does all of it, and leaves nothing in it', async () => {
      expect(casesOf({})).to.have.length(STORE_DEFECTS.length)
      for (const one of casesOf({})) await one.run()
      expect([...store.objects.keys()]).to.deep.equal([])
    })

    for (const {defect, make, notices} of STORE_DEFECTS) {
      it(`notices one that ${defect}`, async () => {
        const cases = casesOf(make(store)).filter(({title}) => title.startsWith(`store: ${notices}`))
        expect(cases).to.have.length(1)
        const error = await cases[0]?.run().then(() => undefined, (thrown: unknown) => thrown)
        expect(error instanceof ContractViolation || isRunctlError(error), String(error)).to.equal(true)
      })
    }

    it('is not asked for where no place for it is given, and a violation where there is none', async () => {
      expect(providerContract(local).filter(({title}) => title.startsWith('store: '))).to.deep.equal([])
      const [first] = providerContract(local, {storeUri: 's3://b/'}).filter(({title}) => title.startsWith('store: '))
      expect(await first?.run().catch((error: unknown) => error)).to.be.instanceOf(ContractViolation)
    })
  })

  it('leaves no instance behind, not even after a violation', async () => {
    const [first] = providerContract(async () => otherwise(await local(), {name: 'other'})).filter(({title}) => title.includes('its name'))
    expect(await first?.run().catch((error: unknown) => error)).to.be.instanceOf(ContractViolation)
    for await (const {state} of (await local()).describeInstances({})) expect(state).to.equal('terminated')
  })

  it('has titles that differ', () => {
    const titles = providerContract(local, {storeUri: 's3://b/'}).map(({title}) => title)
    expect(new Set(titles).size).to.equal(titles.length)
  })
})
