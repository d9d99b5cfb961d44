import {expect} from 'chai'
import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'

import {localPlatform} from '../../src/providers/local/local-platform.js'
import type {Provider, Shell, ShellRequest} from '../../src/providers/provider.js'
import {ContractViolation, providerContract} from '../../src/testing/index.js'

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

describe('the provider contract', () => {
  let dataDir: string
  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'runctl-'))
  })
  after(() => rm(dataDir, {recursive: true}))
  const local = (): Promise<Provider> => localPlatform.create({dataDir, env: process.env})

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

  it('leaves no instance behind, not even after a violation', async () => {
    const [first] = providerContract(async () => otherwise(await local(), {name: 'other'})).filter(({title}) => title.includes('its name'))
    expect(await first?.run().catch((error: unknown) => error)).to.be.instanceOf(ContractViolation)
    for await (const {state} of (await local()).describeInstances({})) expect(state).to.equal('terminated')
  })

  it('has titles that differ', () => {
    const titles = providerContract(local).map(({title}) => title)
    expect(new Set(titles).size).to.equal(titles.length)
  })
})
