import {expect} from 'chai'

import {seenOfInstance, seenOfRuns, SeenSoFar, withAllSeen, withSeen} from '../../src/core/known-values.js'
import {refreshValues, type RefreshDeps} from '../../src/core/refresh-values.js'
import {RunctlError} from '../../src/model/errors.js'
import {TAGS, type Instance} from '../../src/model/instance.js'
import type {KnownValues} from '../../src/model/known-values.js'
import type {Provider} from '../../src/providers/provider.js'

const RUN = 'run-20261123-195501-3f9a07c1'
const NOTHING: KnownValues = {version: 1, platform: 'shed', refreshAfter: '1970-01-01T00:00:00.000Z', suggestAfter: '1970-01-01T00:00:00.000Z', instances: [], runs: [], checkpoints: [], suggestions: {}}

function instance(id: string, state: Instance['state'] = 'running', tags: Readonly<Record<string, string>> = {}): Instance {
  return {id, platform: 'shed', name: null, state, stateReason: null, region: null, instanceType: null, lifecycle: 'on-demand', createdAt: `2026-01-01T00:00:0${id}Z`, launchedAt: null, tags}
}

describe('what was seen', () => {
  it('of an instance are its last run and checkpoint too, by its tags', () => {
    const tags = {[TAGS.lastRun]: RUN, [TAGS.project]: 'demo', [TAGS.lastCheckpoint]: JSON.stringify({path: 'c/1.pt', sha: 'ab', epoch: 1, step: 4, size: 1, at: '2026-01-01T00:00:00Z'})}
    const {checkpoints, runs} = seenOfInstance(instance('1', 'stopped', tags))
    expect(runs).to.deep.equal([{id: RUN, instance: '1', state: null, script: null, project: 'demo'}])
    expect(checkpoints).to.deep.equal([{path: 'c/1.pt', instance: '1', run: null, state: null, step: 4}])
    expect(seenOfInstance(instance('1', 'stopped', {[TAGS.lastRun]: '$(id)', [TAGS.lastCheckpoint]: '{'})).runs).to.deep.equal([])
  })

  it('goes before what was known, the newest first', () => {
    const known = withSeen(withSeen(NOTHING, seenOfInstance(instance('1'))), seenOfInstance(instance('2')))
    expect(known.instances.map(({id}) => id)).to.deep.equal(['2', '1'])
    expect(withSeen(known, seenOfInstance(instance('1', 'stopped'))).instances.map(({state}) => state)).to.deep.equal(['running', 'stopped'])
  })

  it('from a tag takes nothing away from what an agent told of a run', () => {
    const told = withSeen(NOTHING, seenOfRuns('1', [{run_id: RUN, project: 'demo', script: 'train.py', state: 'running'} as never]))
    expect(withSeen(told, seenOfInstance(instance('1', 'running', {[TAGS.lastRun]: RUN}))).runs).to.deep.equal([{id: RUN, instance: '1', state: 'running', script: 'train.py', project: 'demo'}])
  })

  it('of one thing again and again is kept once, as it was last', () => {
    const seen = new SeenSoFar()
    seen.add(seenOfRuns('1', [{run_id: RUN, project: 'demo', script: 'train.py', state: 'running'} as never]))
    for (const state of ['running', 'stopping', 'stopped'] as const) seen.add(seenOfInstance(instance('1', state, {[TAGS.lastRun]: RUN})))
    expect(seen.all.instances.map(({state}) => state)).to.deep.equal(['stopped'])
    expect(seen.all.runs).to.deep.equal([{id: RUN, instance: '1', state: 'running', script: 'train.py', project: 'demo'}])
  })

  it('takes with it what was on an instance that is gone', () => {
    const known = withSeen(NOTHING, seenOfInstance(instance('1', 'running', {[TAGS.lastRun]: RUN})))
    expect(withSeen(known, seenOfInstance(instance('1', 'terminated', {[TAGS.lastRun]: RUN})))).to.deep.include({instances: [], runs: []})
    expect(withAllSeen(known, seenOfInstance(instance('2')))).to.deep.include({runs: []})
  })
})

describe('a refresh', () => {
  const NOW = new Date('2026-11-23T20:00:00Z')
  let files: Map<string, KnownValues>
  let deps: RefreshDeps
  beforeEach(() => {
    files = new Map()
    const read = async (name: string): Promise<KnownValues> => files.get(name) ?? NOTHING
    deps = {
      store: {read, change: async (name, change) => void files.set(name, change(await read(name)))},
      clock: {now: () => NOW},
      signal: new AbortController().signal,
    }
  })
  const provider = (describe: () => AsyncIterable<Instance>, asked: string[] = []): Provider => ({
    name: 'shed',
    describeInstances: describe,
    suggest: async (name: string) => {
      asked.push(name)
      return name === 'type' ? [{value: 'big'}] : []
    },
  }) as never
  const one = async function* (): AsyncIterable<Instance> { yield instance('1') }
  const target = (open: () => Promise<Provider | null>): {name: string; open: typeof open; suggestFor: string[]} => ({name: 'shed', open, suggestFor: ['type', 'region']})

  it('asks for the instances once, and for suggestions once a day', async () => {
    const asked: string[] = []
    expect(await refreshValues([target(async () => provider(one, asked))], deps)).to.deep.equal([{platform: 'shed', refreshed: true, why: null}])
    expect(files.get('shed')).to.deep.include({refreshAfter: '2026-11-23T20:00:30.000Z', suggestAfter: '2026-11-24T20:00:00.000Z', suggestions: {type: [{value: 'big'}]}})
    expect(files.get('shed')?.instances.map(({id}) => id)).to.deep.equal(['1'])
    await refreshValues([target(async () => provider(one, asked))], deps)
    expect(asked).to.deep.equal(['type', 'region'])
    expect(files.get('shed')?.suggestions).to.deep.equal({type: [{value: 'big'}]})
  })

  it('that fails keeps what was known, lets minutes pass, and leaves other platforms alone', async () => {
    files.set('shed', withSeen(NOTHING, seenOfInstance(instance('1'))))
    const offline = async function* (): AsyncIterable<Instance> { throw new RunctlError('unreachable', 'no network') }
    const results = await refreshValues([target(async () => provider(offline)), {...target(async () => provider(one)), name: 'other'}], deps)
    expect(results.map(({refreshed, why}) => [refreshed, why])).to.deep.equal([[false, 'no network'], [true, null]])
    expect(files.get('shed')).to.deep.include({refreshAfter: '2026-11-23T20:05:00.000Z'})
    expect(files.get('shed')?.instances).to.have.lengthOf(1)
  })

  it('asks nothing of a platform that nobody has set up', async () => {
    expect(await refreshValues([target(async () => null)], deps)).to.deep.equal([{platform: 'shed', refreshed: false, why: 'it is not set up'}])
  })
})
