import {expect} from 'chai'

import {mergeCheckpoints} from '../../src/core/checkpoint-sources.js'
import {listInstanceCheckpoints} from '../../src/core/list-instance-checkpoints.js'
import {listProjectCheckpoints} from '../../src/core/list-project-checkpoints.js'
import {listRunCheckpoints} from '../../src/core/list-run-checkpoints.js'
import {asCheckpoint} from '../../src/core/stored-checkpoints.js'
import type {Checkpoint} from '../../src/model/checkpoint.js'
import {RunctlError} from '../../src/model/errors.js'
import {TAGS} from '../../src/model/instance.js'
import {FakeDeps} from '../support/fake-deps.js'
import {INSTANCE_ID, sampleInstance} from '../support/memory-provider.js'
import {expectedFailure} from '../support/rejection.js'
import {layCheckpoint, layRunRecord, OUT, prefixOf, RUN_A, RUN_B, stored} from '../support/stored-samples.js'
import {TimedStore} from '../support/timed-store.js'
import {run} from '../ui/samples.js'

/** As the agent tells of it: the same content, on the disk alone. */
function onDisk(runId: string, name: string, over: Partial<Checkpoint> = {}): Checkpoint {
  const place = {kind: 'instance' as const, where: INSTANCE_ID, path: `/p/checkpoints/${name}`, verified_at: '2026-11-23T11:00:00Z'}
  return {...asCheckpoint(stored(runId, name)), places: [place], ...over}
}
const ACTIVE = run({run_id: RUN_A, project: 'mnist', output_uri: prefixOf(RUN_A), started_at: '2026-11-23T11:00:00Z', last_stored_checkpoint: onDisk(RUN_A, 'step_1.pt', {modified_at: '2026-11-23T11:48:00Z'})})
const TAGGED = {[TAGS.project]: 'mnist', [TAGS.output]: OUT, [TAGS.lastRun]: RUN_A}
const where = {from: null, defaultOutput: null, projectName: 'mnist'}

const kinds = (checkpoints: readonly Checkpoint[]): Readonly<Record<string, string>> =>
  Object.fromEntries(checkpoints.map(({path, places}) => [path.replace('checkpoints/', ''), places.map(({kind}) => kind).join(',')]))

describe('checkpoints in all places', () => {
  let store: TimedStore
  beforeEach(() => {
    store = new TimedStore()
    layCheckpoint(store, RUN_A, 'step_1.pt')
    layCheckpoint(store, RUN_A, 'step_2.pt')
  })

  function scene(instance: Parameters<typeof sampleInstance>[0] | null, listed: readonly Checkpoint[] = [], runs = [ACTIVE]): FakeDeps {
    const deps = new FakeDeps(instance)
    deps.provider.store = store
    deps.scripted.handlers.checkpoints = () => ({checkpoints: listed, dir: '/p/checkpoints', project_dir: '/p', latest_good: listed.at(-1) ?? null, latest_good_skipped: []})
    deps.scripted.handlers.status = request => {
      if (request.run_id !== undefined && !runs.some(({run_id}) => run_id === request.run_id)) throw new RunctlError('not_found', 'no such run')
      return {runs, boot_id: 'b', now: ''}
    }
    return deps
  }
  const source = {instanceId: INSTANCE_ID, project: null, defaultOutput: null}

  it('of a running instance are told once, with the disk and the store as places, and what is at risk and not copied', async () => {
    const listing = await listInstanceCheckpoints(source, scene({tags: TAGGED}, [onDisk(RUN_A, 'step_2.pt'), onDisk(RUN_A, 'step_3.pt')]))
    expect(kinds(listing.checkpoints)).to.deep.equal({'step_1.pt': 's3', 'step_2.pt': 'instance,s3', 'step_3.pt': 'instance'})
    expect(listing.at_risk).to.deep.include({run_id: RUN_A, seconds: 720, in_store: true})
    expect(listing.at_risk?.usd).to.be.closeTo(0.2012, 0.0001)
    expect(listing.waiting).to.deep.equal({count: 1, size_bytes: 4, since: '2026-11-23T11:00:03Z'})
  })

  it('since when something waits is what the uploader says, where it does', async () => {
    const upload = {done: 1, pending: 1, pending_bytes: 4, error: null, bytes_per_s: 1, behind_since: '2026-11-23T11:56:00Z'}
    const listing = await listInstanceCheckpoints(source, scene({}, [onDisk(RUN_A, 'step_3.pt')], [{...ACTIVE, upload}]))
    expect(listing.waiting?.since).to.equal(upload.behind_since)
  })

  it('have no price where it is unknown, and nothing waits where there is no output', async () => {
    const deps = scene({}, [onDisk(RUN_A, 'step_3.pt')], [{...ACTIVE, output_uri: null}])
    deps.provider.pricing = {hourlyPrice: async () => null}
    const {at_risk, waiting} = await listInstanceCheckpoints(source, deps)
    expect(at_risk).to.deep.include({usd: null, in_store: false})
    expect(waiting).to.equal(null)
    expect(store.calls).to.deep.equal([])
  })

  it('of a running instance are told without the store where that cannot be read, with a warning', async () => {
    store.failures.list = new RunctlError('platform_failed', 'access denied')
    const listing = await listInstanceCheckpoints(source, scene({}, [onDisk(RUN_A, 'step_3.pt')]))
    expect(kinds(listing.checkpoints)).to.deep.equal({'step_3.pt': 'instance'})
    expect(listing.warnings.join()).to.contain('access denied')
  })

  it('of a stopped instance are what its tags and the store say, of its own runs alone', async () => {
    layRunRecord(store, RUN_A, ['step_1.pt', 'step_2.pt'])
    layCheckpoint(store, RUN_B, 'step_9.pt')
    layRunRecord(store, RUN_B, ['step_9.pt'], {instanceId: 'mem-2'})
    const tag = {path: 'checkpoints/step_2.pt', sha: '', epoch: null, step: 2, size: 4, at: '2026-11-23T11:00:02Z'}
    const deps = scene({state: 'stopped', tags: {...TAGGED, [TAGS.lastCheckpoint]: JSON.stringify(tag)}})
    const listing = await listInstanceCheckpoints(source, deps)
    expect(kinds(listing.checkpoints)).to.deep.equal({'step_1.pt': 's3', 'step_2.pt': 'instance,s3'})
    expect(listing.latest_good?.path).to.equal('checkpoints/step_2.pt')
    expect(listing.notes.join()).to.contain(`${INSTANCE_ID} is stopped`).and.contain('start it to see')
    expect(deps.scripted.calls).to.deep.equal([])
  })

  it('of a terminated instance are in the store alone', async () => {
    layRunRecord(store, RUN_A, ['step_1.pt', 'step_2.pt'])
    const tag = {path: 'checkpoints/step_3.pt', sha: '', epoch: null, step: 3, size: 4, at: '2026-11-23T11:00:03Z'}
    const listing = await listInstanceCheckpoints(source, scene({state: 'terminated', tags: {...TAGGED, [TAGS.lastCheckpoint]: JSON.stringify(tag)}}))
    expect(kinds(listing.checkpoints)).to.deep.equal({'step_1.pt': 's3', 'step_2.pt': 's3'})
    expect(listing.notes.join()).to.contain('is gone with it')
  })

  it('of a terminated instance whose tags say no place are looked for where the configuration says, else it is told how', async () => {
    layRunRecord(store, RUN_A, ['step_1.pt'])
    const tags = {[TAGS.project]: 'mnist', [TAGS.lastRun]: RUN_A}
    expect((await listInstanceCheckpoints({...source, defaultOutput: `${OUT}/`}, scene({state: 'terminated', tags}))).checkpoints).to.have.length(2)
    expect((await listInstanceCheckpoints(source, scene({state: 'terminated', tags}))).warnings.join()).to.contain(`runctl checkpoint list --run ${RUN_A} --from`)
  })

  it('of an instance that the platform has forgotten: it is told how they are found', async () => {
    const error = await expectedFailure(listInstanceCheckpoints(source, scene(null)))
    expect(error.code).to.equal('not_found')
    expect(error.next.slice(0, 2)).to.deep.equal(['runctl checkpoint list --project PROJECT --from s3://BUCKET/PREFIX', 'runctl checkpoint list --run RUN --from s3://BUCKET/PREFIX'])
  })

  it('of a run are asked on its instance, and found in the store', async () => {
    const listing = await listRunCheckpoints({...where, runId: RUN_A}, [scene({}, [onDisk(RUN_A, 'step_2.pt')])])
    expect(kinds(listing.checkpoints)).to.deep.equal({'step_1.pt': 's3', 'step_2.pt': 'instance,s3'})
    expect(listing.at_risk?.seconds).to.equal(720)
  })

  it('of a run whose instance is gone are in the store, wherever outputs are known to go', async () => {
    for (const [more, tags] of [[{defaultOutput: OUT}, {}], [{from: `${OUT}/`}, {}], [{projectName: 'other'}, TAGGED], [{from: prefixOf(RUN_A)}, {}]] as const) {
      const deps = scene({state: 'terminated', tags})
      const {checkpoints} = await listRunCheckpoints({...where, ...more, runId: RUN_A}, [deps])
      expect(kinds(checkpoints), JSON.stringify(more)).to.deep.equal({'step_1.pt': 's3', 'step_2.pt': 's3'})
    }
  })

  it('of a run that is nowhere: it is told, with the way to name a place', async () => {
    const error = await expectedFailure(listRunCheckpoints({...where, runId: RUN_B, defaultOutput: OUT}, [scene(null)]))
    expect([error.code, error.message.includes(`nothing of it in ${OUT}`)]).to.deep.equal(['not_found', true])
    expect(error.next).to.include(`runctl checkpoint list --run ${RUN_B} --from s3://BUCKET/PREFIX`)
  })

  it('of a project are those of every instance that bears its name, and of every run in the store', async () => {
    layCheckpoint(store, RUN_B, 'step_9.pt')
    const deps = scene({tags: TAGGED}, [onDisk(RUN_A, 'step_2.pt')])
    deps.provider.put(sampleInstance({id: 'mem-2', tags: {[TAGS.project]: 'another'}}))
    const {checkpoints} = await listProjectCheckpoints({...where, project: 'mnist'}, [deps])
    expect(kinds(checkpoints)).to.deep.equal({'step_1.pt': 's3', 'step_2.pt': 'instance,s3', 'step_9.pt': 's3'})
    expect(deps.scripted.verbs.filter(verb => verb === 'checkpoints')).to.have.length(1)
  })

  it('of a project are listed although an instance does not answer', async () => {
    const deps = scene({tags: TAGGED})
    deps.scripted.handlers.checkpoints = () => {
      throw new RunctlError('unreachable', 'it does not answer')
    }
    const {checkpoints, notes} = await listProjectCheckpoints({...where, project: 'mnist'}, [deps])
    expect(kinds(checkpoints)).to.deep.equal({'step_1.pt': 's3', 'step_2.pt': 's3'})
    expect(notes.join()).to.contain('does not answer')
    expect((await expectedFailure(listProjectCheckpoints({...where, project: 'none'}, [deps]))).code).to.equal('not_found')
  })

  it('are the same only where run, path and content are', () => {
    const one = onDisk(RUN_A, 'best.pt', {tags: ['a']})
    const twin = {...asCheckpoint(stored(RUN_A, 'best.pt')), tags: ['b']}
    expect(mergeCheckpoints([one], [twin]).map(({places, tags}) => [places.length, tags])).to.deep.equal([[2, ['a', 'b']]])
    for (const other of [{...twin, sha256: 'f'.repeat(64)}, {...twin, run_id: RUN_B}, {...twin, sha256: null}]) expect(mergeCheckpoints([one], [other])).to.have.length(2)
  })
})
