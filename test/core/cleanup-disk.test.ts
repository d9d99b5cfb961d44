import {expect} from 'chai'

import type {RunStatus} from '../../src/agent/protocol.js'
import {cleanUpCheckpoints, type CleanupResult} from '../../src/core/cleanup-checkpoints.js'
import {findCleanupPlaces, type CleanupPlacesInput} from '../../src/core/find-cleanup-places.js'
import type {LocalAgent} from '../../src/core/local-agent-port.js'
import type {Checkpoint} from '../../src/model/checkpoint.js'
import {TAGS} from '../../src/model/instance.js'
import {FakeDeps} from '../support/fake-deps.js'
import {MemoryStore} from '../support/memory-store.js'
import {INSTANCE_ID, sampleInstance} from '../support/memory-provider.js'
import {expectedFailure} from '../support/rejection.js'
import {RUN_A, RUN_B, StoredCheckpoints} from '../support/stored-checkpoints.js'
import {checkpoint, run as runStatus} from '../ui/samples.js'

const DIR = '/home/u/projects/net'
const digest = (number: number): string => String(number).repeat(64)
const at = (minute: number): string => new Date(Date.UTC(2026, 10, 23, 10, minute)).toISOString()
const one = (number: number, over: Partial<Checkpoint> = {}): Checkpoint =>
  checkpoint({path: `checkpoints/epoch_${number}.pt`, sha256: digest(number), modified_at: at(number), size_bytes: 100, run_id: RUN_A, tags: [], places: [], ...over})
const run = (over: Partial<RunStatus> = {}): RunStatus => runStatus({run_id: RUN_A, project_dir: DIR, state: 'stopped', resume_from: null, parent_run_id: null, ...over})
const ON_INSTANCE = {kind: 'instance', instanceId: INSTANCE_ID, project: null} as const

describe('a clean-up of disks', () => {
  let deps: FakeDeps
  const asked = (verb: string): readonly unknown[] => deps.scripted.calls.filter(call => call.verb === verb).map(({request}) => request)
  const holds = (checkpoints: readonly Checkpoint[], runs: readonly RunStatus[] = [run()]): void => {
    deps.scripted.handlers.checkpoints = () => ({checkpoints, dir: `${DIR}/checkpoints`, project_dir: DIR, latest_good: null, latest_good_skipped: []})
    deps.scripted.handlers.status = () => ({runs, boot_id: 'b', now: at(0)})
    deps.scripted.handlers['remove-checkpoints'] = ({remove}) => ({removed: remove.map(({path}) => ({path, freed_bytes: 90})), kept: []})
  }
  beforeEach(() => {
    deps = new FakeDeps()
  })
  const nobody: LocalAgent = () => Promise.reject(new Error('nobody asks the agent here'))
  const cleanUp = async (over: Partial<CleanupPlacesInput> = {}, dryRun = false, callAgentHere = nobody): Promise<CleanupResult> => {
    const places = await findCleanupPlaces({origin: ON_INSTANCE, where: 'all', configuredOutput: null, from: null, ...over}, {platforms: [deps], callAgentHere})
    return cleanUpCheckpoints({policy: {keepLast: 1, keepBest: null, metric: null, keepEvery: null}, dryRun, places}, deps)
  }
  const kept = ({checkpoints}: CleanupResult): readonly string[] => checkpoints.filter(({what}) => what === 'kept').map(({path}) => path.split('/').at(-1) ?? '')

  it('names path and digest to the agent, and tells what was freed and that a disk costs the same', async () => {
    holds([one(1), one(2), one(3)])
    const result = await cleanUp()
    expect(asked('remove-checkpoints')).to.deep.equal([{remove: [1, 2].map(number => ({path: `checkpoints/epoch_${number}.pt`, sha256: digest(number)}))}])
    expect(result).to.deep.include({removed: 2, removed_bytes: 180, usd_per_month_less: 0})
    expect(result.places[0]).to.deep.include({kind: 'instance', where: INSTANCE_ID, dir: `${DIR}/checkpoints`})
    expect(result.places[0]?.notes.join()).to.contain('costs the same')
  })

  it('asks for no removal in a dry run', async () => {
    holds([one(1), one(2)])
    expect((await cleanUp({}, true)).removed).to.equal(1)
    expect(asked('remove-checkpoints')).to.deep.equal([])
  })

  it('tells what the agent kept after all, and why', async () => {
    holds([one(1), one(2)])
    deps.scripted.handlers['remove-checkpoints'] = ({remove}) => ({removed: [], kept: remove.map(({path}) => ({path, why: 'its content is another one now'}))})
    const result = await cleanUp()
    expect(result).to.deep.include({removed: 0, removed_bytes: 0, kept: 2})
    expect(result.checkpoints[0]).to.deep.include({what: 'kept', why: ['its content is another one now']})
  })

  it('keeps what runs of this project resumed from, not what those of another did', async () => {
    holds([one(1), one(2), one(3)], [
      run({run_id: RUN_B, resume_from: 'checkpoints/epoch_1.pt', parent_run_id: RUN_A}),
      run({resume_from: 'checkpoints/epoch_2.pt', project_dir: '/home/u/projects/other'}),
    ])
    expect(kept(await cleanUp({}, true))).to.deep.equal(['epoch_1.pt', 'epoch_3.pt'])
  })

  it('is asked for in several calls where there are many', async () => {
    holds(Array.from({length: 501}, (_, index) => one(1, {path: `checkpoints/epoch_${index}.pt`, modified_at: at(index)})))
    expect((await cleanUp()).removed).to.equal(500)
    expect(asked('remove-checkpoints').map(request => (request as {remove: readonly unknown[]}).remove.length)).to.deep.equal([200, 200, 100])
  })

  describe('with what is in the store', () => {
    let store: MemoryStore
    let put: StoredCheckpoints
    beforeEach(async () => {
      store = new MemoryStore()
      put = new StoredCheckpoints(store, 's3://bucket/out/net/')
      deps.provider.store = store
      deps.provider.put({...deps.provider.get(), tags: {[TAGS.output]: 's3://bucket/out/'}})
      await put.run(RUN_A)
      for (const number of [1, 2, 3]) await put.file(RUN_A, `epoch_${number}.pt`, 'x', {sha256: digest(number), modified_at: at(number)})
      const places: Checkpoint['places'] = [{kind: 's3', where: 'bucket', path: '', verified_at: at(9)}]
      const stored = (number: number, over: Partial<Checkpoint> = {}): Checkpoint =>
        one(number, {places: places.map(place => ({...place, path: `out/net/${RUN_A}/checkpoints/epoch_${number}.pt`})), ...over})
      holds([stored(1, {tags: ['gold']}), one(2, {tags: ['gold']}), stored(3)])
    })

    it('a tagged copy on the disk goes only with --where instance, and only where the store has it now', async () => {
      expect(kept(await cleanUp({}, true))).to.deep.equal(['epoch_1.pt', 'epoch_2.pt', 'epoch_3.pt'])
      expect(kept(await cleanUp({where: 'instance'}, true))).to.deep.equal(['epoch_2.pt', 'epoch_3.pt'])
      await store.delete([`s3://bucket/out/net/${RUN_A}/checkpoints/epoch_1.pt.manifest.json`])
      expect(kept(await cleanUp({where: 'instance'}, true))).to.deep.equal(['epoch_1.pt', 'epoch_2.pt', 'epoch_3.pt'])
    })

    it('a project is cleaned up on its disks, in the store, or in both, each by itself', async () => {
      deps.provider.put(sampleInstance({id: 'mem-2', state: 'stopped'}))
      const kinds = async (where: CleanupPlacesInput['where']): Promise<readonly string[]> =>
        (await cleanUp({origin: {kind: 'project', project: 'net'}, where}, true)).places.map(({kind, removed}) => `${kind} ${removed}`)
      expect(await kinds('all')).to.deep.equal(['instance 0', 's3 2'])
      expect(await kinds('instance')).to.deep.equal(['instance 1'])
      expect(await kinds('s3')).to.deep.equal(['s3 2'])
      expect(deps.progress.notes.join()).to.contain('mem-2 was left out: it is stopped')
    })

    it('a run whose instance is gone is cleaned up in the store', async () => {
      deps.provider.put({...deps.provider.get(), state: 'terminated'})
      const result = await cleanUp({origin: {kind: 'run', runId: RUN_A}})
      expect(result.places.map(({dir, kind}) => [kind, dir])).to.deep.equal([['s3', `s3://bucket/out/net/${RUN_A}/`]])
      expect(result.removed).to.equal(2)
      expect((await expectedFailure(cleanUp({origin: {kind: 'run', runId: RUN_B}}))).code).to.equal('not_found')
      expect((await expectedFailure(cleanUp({origin: {kind: 'run', runId: RUN_A}, where: 'instance'}))).code).to.equal('not_found')
    })
  })

  it('of a folder here asks the agent of this machine, and nobody else', async () => {
    const calls: string[] = []
    const here = ((verb: string, request: {readonly remove?: readonly {readonly path: string}[]}) => {
      calls.push(`${verb} ${JSON.stringify(request.remove?.map(({path}) => path) ?? null)}`)
      return Promise.resolve(verb === 'checkpoints'
        ? {checkpoints: [one(1), one(2)], dir: '/here', project_dir: null}
        : {removed: (request.remove ?? []).map(({path}) => ({path, freed_bytes: 100})), kept: []})
    }) as unknown as LocalAgent
    const result = await cleanUp({origin: {kind: 'folder', dir: '/here'}}, false, here)
    expect(calls).to.deep.equal(['checkpoints null', 'remove-checkpoints ["checkpoints/epoch_1.pt"]'])
    expect(result.places[0]).to.deep.include({kind: 'client', dir: '/here', price_source: 'local', usd_per_month_less: 0})
  })
})
