import {expect} from 'chai'

import {runDoctor} from '../../src/core/run-doctor.js'
import {RunctlError} from '../../src/model/errors.js'
import type {Check, CheckResult, CheckTarget, ObjectStore} from '../../src/providers/provider.js'
import {renderDoctor} from '../../src/ui/doctor-text.js'
import {FakeDeps} from '../support/fake-deps.js'
import {shellResult} from '../support/memory-provider.js'
import {HOSTILE, RAW_CONTROL, TABLE, TEXT} from '../ui/samples.js'

const ok: CheckResult = {status: 'ok', found: 'fine', fix: null}

function checking(checks: readonly Check[]): FakeDeps {
  const deps = new FakeDeps()
  Object.assign(deps.provider, {checks: (_: CheckTarget) => checks})
  return deps
}

describe('doctor', () => {
  it('skips what needs a failed check, says why, and goes on with the rest', async () => {
    const tried: string[] = []
    const check = (name: string, needs: readonly string[], result: CheckResult | Error): Check => ({name, needs, run() {
      tried.push(name)
      return result instanceof Error ? Promise.reject(result) : Promise.resolve(result)
    }})
    const deps = checking([
      check('identity', [], ok),
      check('bucket', ['identity'], new RunctlError('platform_failed', 'no right to write', {next: ['runctl aws setup', 'other']})),
      check('from there', ['bucket'], ok),
      check('further', ['from there'], ok),
      check('quota', ['identity'], {status: 'warning', found: 'nearly full', fix: 'ask for more'}),
    ])
    const lines = await runDoctor({instanceId: null, instanceType: null}, deps)
    expect(lines.map(({check, fix, found, status}) => [check, status, found, fix])).to.deep.equal([
      ['identity', 'ok', 'fine', null],
      ['bucket', 'failed', 'no right to write', 'runctl aws setup'],
      ['from there', 'skipped', 'needs bucket', null],
      ['further', 'skipped', 'needs from there', null],
      ['quota', 'warning', 'nearly full', 'ask for more'],
    ])
    expect(tried).to.deep.equal(['identity', 'bucket', 'quota'])
  })

  it('lets a bug be a bug', async () => {
    const deps = checking([{name: 'x', needs: [], run: () => Promise.reject(new TypeError('not a function'))}])
    const error = await runDoctor({instanceId: null, instanceType: null}, deps).catch((thrown: unknown) => thrown)
    expect(error).to.be.instanceOf(TypeError)
  })

  describe('on an instance', () => {
    const storeOf = (scratch: string | null, deleted: string[]): ObjectStore => ({
      scheme: 's3', scratch, access: () => Promise.resolve({region: 'r', endpoint: null}),
      delete: (uris: readonly string[]) => Promise.resolve(void deleted.push(...uris)),
    } as unknown as ObjectStore)

    it('proves that commands answer, the clock is right and the bucket can be written to from there', async () => {
      const deleted: string[] = []
      const deps = checking([])
      Object.assign(deps.provider, {store: storeOf('s3://b/tmp/', deleted)})
      deps.provider.shell.answer = () => shellResult()
      deps.scripted.handlers.status = () => ({runs: [], boot_id: 'x', now: new Date(deps.clock.now().getTime() - 2000).toISOString()})
      deps.scripted.handlers['probe-store'] = ({uri}) => ({uri})
      const lines = await runDoctor({instanceId: 'mem-1', instanceType: null}, deps)
      expect(lines.map(({check, status}) => [check, status])).to.deep.equal([['commands answer', 'ok'], ['agent and clock', 'ok'], ['bucket from the instance', 'ok']])
      expect(deleted).to.have.length(1)
      expect(deps.scripted.calls.at(-1)?.request).to.deep.include({uri: deleted[0]})
    })

    it('tells a clock that is wrong, a right that is missing, and a store without a bucket', async () => {
      const deps = checking([])
      Object.assign(deps.provider, {store: storeOf('s3://b/tmp/', [])})
      deps.provider.shell.answer = () => shellResult()
      deps.scripted.handlers.status = () => ({runs: [], boot_id: 'x', now: new Date(deps.clock.now().getTime() + 3_600_000).toISOString()})
      const wrong = await runDoctor({instanceId: 'mem-1', instanceType: null}, deps)
      expect(wrong.map(({status}) => status)).to.deep.equal(['ok', 'failed', 'skipped'])
      deps.scripted.handlers.status = () => ({runs: [], boot_id: 'x', now: deps.clock.now().toISOString()})
      deps.scripted.handlers['probe-store'] = () => {
        throw new RunctlError('platform_failed', '403 AccessDenied', {next: ['runctl aws setup']})
      }
      expect((await runDoctor({instanceId: 'mem-1', instanceType: null}, deps)).at(-1)).to.include({status: 'failed', fix: 'runctl aws setup'})
      Object.assign(deps.provider, {store: storeOf(null, [])})
      expect((await runDoctor({instanceId: 'mem-1', instanceType: null}, deps)).at(-1)).to.include({status: 'skipped'})
    })
  })

  it('is shown with what mends it, safely', () => {
    const lines = [{platform: 'mem', check: 'bucket', status: 'failed' as const, found: HOSTILE, fix: 'runctl aws setup'}, {platform: null, check: 'Node', status: 'ok' as const, found: '20', fix: null}]
    const table = renderDoctor(lines, TABLE)
    expect(table).to.match(/^FAILED +mem: bucket/).and.to.match(/\n +Fix: runctl aws setup\n/).and.to.match(/\nok +Node +20$/)
    for (const text of [table, renderDoctor(lines, TEXT)]) expect(text.replaceAll('\n', '').replaceAll('\t', '')).to.not.match(RAW_CONTROL)
    expect(renderDoctor(lines, TEXT).split('\n')[1]).to.equal('ok\t-\tNode\t20\t-')
  })
})
