import {expect} from 'chai'

import {tagCheckpoint, type TagInput, type TagResult} from '../../src/core/tag-checkpoint.js'
import type {LocalAgent} from '../../src/core/local-agent-port.js'
import type {Checkpoint} from '../../src/model/checkpoint.js'
import {TAGS} from '../../src/model/instance.js'
import {FakeDeps} from '../support/fake-deps.js'
import {MemoryStore} from '../support/memory-store.js'
import {INSTANCE_ID} from '../support/memory-provider.js'
import {expectedFailure} from '../support/rejection.js'
import {RUN_A, StoredCheckpoints} from '../support/stored-checkpoints.js'
import {checkpoint} from '../ui/samples.js'

const PROJECT = 's3://bucket/out/net/'

describe('a tag', () => {
  let store: MemoryStore
  let put: StoredCheckpoints
  let deps: FakeDeps
  beforeEach(() => {
    store = new MemoryStore()
    put = new StoredCheckpoints(store, PROJECT)
    deps = new FakeDeps({tags: {[TAGS.output]: 's3://bucket/out'}})
    deps.provider.store = store
  })

  const nobody: LocalAgent = () => Promise.reject(new Error('nobody asks the agent here'))
  const tag = (over: Partial<TagInput>, callAgentHere = nobody): Promise<TagResult> =>
    tagCheckpoint({origin: {kind: 'store', uri: ''}, wanted: '', add: [], remove: [], configuredOutput: null, from: null, ...over}, {platforms: [deps], callAgentHere})
  const tagKeys = (): readonly string[] => [...store.objects.keys()].filter(uri => uri.includes('.tag.')).map(uri => uri.split('/').at(-1) ?? '')
  const onInstance = (checkpoints: readonly Checkpoint[]): void => {
    deps.scripted.handlers.checkpoints = () => ({checkpoints, dir: '/home/u/projects/net/checkpoints', project_dir: '/home/u/projects/net', latest_good: null, latest_good_skipped: []})
    deps.scripted.handlers['tag-checkpoint'] = ({add}) => ({tags: add})
  }

  it('is an empty object beside a checkpoint in a store, and goes again', async () => {
    const uri = await put.file(RUN_A, 'epoch_1.pt', 'one')
    const tagged = await tag({origin: {kind: 'store', uri}, add: ['gold', 'v1.0']})
    expect(tagged).to.deep.include({path: uri, tags: ['gold', 'v1.0'], places: [{kind: 's3', where: 'bucket', path: `out/net/${RUN_A}/checkpoints/epoch_1.pt`}]})
    expect(store.objects.get(`${uri}.tag.gold`)).to.have.length(0)
    expect((await tag({origin: {kind: 'store', uri}, remove: ['gold']})).tags).to.deep.equal(['v1.0'])
    expect(tagKeys()).to.deep.equal(['epoch_1.pt.tag.v1.0'])
  })

  it('is refused beside what is no checkpoint, and where its name could lead elsewhere', async () => {
    await store.put(`${PROJECT}${RUN_A}/checkpoints/half.pt`, Buffer.from('x'))
    expect((await expectedFailure(tag({origin: {kind: 'store', uri: `${PROJECT}${RUN_A}/checkpoints/half.pt`}, add: ['gold']}))).code).to.equal('not_found')
    for (const name of ['', 'a/b', '../x', '.hidden', 'a b', '\u001b[31m', 'x'.repeat(64)]) {
      expect((await expectedFailure(tag({origin: {kind: 'store', uri: PROJECT}, add: [name]}))).code, JSON.stringify(name)).to.equal('bad_input')
    }
    expect(tagKeys()).to.deep.equal([])
  })

  it('is given by the content on an instance, and to the copy in the store that still has it', async () => {
    await put.file(RUN_A, 'epoch_1.pt', 'one')
    await put.file(RUN_A, 'epoch_2.pt', 'another by now')
    const places = (name: string): Checkpoint['places'] => [{kind: 's3', where: 'bucket', path: `out/net/${RUN_A}/checkpoints/${name}`, verified_at: '2026-11-23T10:00:00Z'}]
    const sha256 = '7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed'
    onInstance(['epoch_1.pt', 'epoch_2.pt'].map(name => checkpoint({path: `checkpoints/${name}`, sha256, places: places(name)})))
    const origin = {kind: 'instance', instanceId: INSTANCE_ID, project: null} as const
    expect((await tag({origin, wanted: 'epoch_1.pt', add: ['gold']})).places.map(({kind}) => kind)).to.deep.equal(['instance', 's3'])
    expect((await tag({origin, wanted: 'epoch_2.pt', add: ['gold']})).places.map(({kind}) => kind)).to.deep.equal(['instance'])
    expect(tagKeys()).to.deep.equal(['epoch_1.pt.tag.gold'])
    expect(deps.scripted.calls.filter(({verb}) => verb === 'tag-checkpoint').map(({request}) => request)).to.deep.equal(Array(2).fill({sha256, add: ['gold'], remove: []}))
  })

  it('finds what a run stored when its instance is gone', async () => {
    await put.file(RUN_A, 'epoch_1.pt', 'one')
    deps.provider.put({...deps.provider.get(), state: 'terminated'})
    const tagged = await tag({origin: {kind: 'run', runId: RUN_A}, wanted: 'epoch_1.pt', add: ['gold']})
    expect(tagged.path).to.equal(`${PROJECT}${RUN_A}/checkpoints/epoch_1.pt`)
    expect(tagKeys()).to.deep.equal(['epoch_1.pt.tag.gold'])
  })

  it('is not given to what is still being written', async () => {
    onInstance([checkpoint({path: 'checkpoints/epoch_1.pt', sha256: null, state: 'partial'})])
    const error = await expectedFailure(tag({origin: {kind: 'instance', instanceId: INSTANCE_ID, project: null}, wanted: 'epoch_1.pt', add: ['gold']}))
    expect(error.code).to.equal('wrong_state')
  })

  it('is given in a folder here by the agent of this machine', async () => {
    const asked: unknown[] = []
    const here = ((verb: string, request: unknown) => {
      asked.push([verb, request])
      const listed = {checkpoints: [checkpoint({path: '/here/best.pt', sha256: 'a'.repeat(64)})], dir: '/here', project_dir: null}
      return Promise.resolve(verb === 'checkpoints' ? listed : {tags: ['gold']})
    }) as unknown as LocalAgent
    expect(await tag({origin: {kind: 'folder', dir: '/here'}, wanted: 'best.pt', add: ['gold']}, here)).to.deep.include({path: '/here/best.pt', tags: ['gold']})
    expect(asked).to.deep.equal([['checkpoints', {dir: '/here', path: 'best.pt'}], ['tag-checkpoint', {sha256: 'a'.repeat(64), add: ['gold'], remove: []}]])
  })
})
