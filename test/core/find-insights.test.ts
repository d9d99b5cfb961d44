import {expect} from 'chai'

import type {ProcessesAnswer, RunStatus} from '../../src/agent/protocol.js'
import {findInsights} from '../../src/core/find-insights.js'
import {RunctlError} from '../../src/model/errors.js'
import {savingOf, type Insight} from '../../src/model/insight.js'
import {TAGS, type Instance} from '../../src/model/instance.js'
import {FakeDeps} from '../support/fake-deps.js'
import {MemoryHoldings, sampleHolding} from '../support/memory-holdings.js'
import {INSTANCE_ID, sampleInstance} from '../support/memory-provider.js'
import {placeOf} from '../support/resource-place.js'
import {checkpoint, processes, run} from '../ui/samples.js'

const MINE = {[TAGS.createdBy]: '0.1.0', [TAGS.owner]: 'ada', [TAGS.project]: 'mnist'}
const LIMITED = {...MINE, [TAGS.stopsAt]: '2026-11-23T18:00:00Z'}
const ALL = {project: null, owner: null}
/** Half an hour of GPUs at work. */
const BUSY = run({started_at: '2026-11-23T11:30:00Z', output_uri: 's3://b/o/mnist/run/', last_stored_checkpoint: checkpoint()})
const ENDED = run({state: 'stopped', reason: 'completed', ended_at: '2026-11-23T10:30:00Z', last_checkpoint: null})
const quiet = processes({gpus: null, load_1min: 0.02, processes: []})
const gpus = (utilization_percent: number | null, used: number): ProcessesAnswer['gpus'] => [{index: 0, name: 'A10G', utilization_percent, memory_used_bytes: used, memory_total_bytes: 24e9, temperature_c: 50}]

interface Scene {
  readonly runs?: readonly RunStatus[]
  readonly look?: ProcessesAnswer
  readonly instance?: Partial<Instance>
}

/** The clock of the tests stands at 2026-11-23T12:00Z. */
function scene({instance = {}, look = processes(), runs = [BUSY]}: Scene = {}): FakeDeps {
  const deps = new FakeDeps({launchedAt: '2026-11-23T08:00:00Z', tags: LIMITED, ...instance})
  Object.assign(deps.provider, {selfStop: {install: null, endsAs: () => 'stop', access: null}})
  deps.scripted.handlers.status = () => ({runs, boot_id: 'b', now: ''})
  deps.scripted.handlers.processes = () => look
  return deps
}
const insightsOf = (deps: FakeDeps): Promise<readonly Insight[]> => findInsights(ALL, [placeOf(deps)])
const kindsOf = async (deps: FakeDeps): Promise<readonly string[]> => (await insightsOf(deps)).map(({kind}) => kind)

describe('findInsights', () => {
  it('finds nothing where a machine works, is limited and is synced', async () => {
    expect(await insightsOf(scene())).to.deep.equal([])
  })

  describe('idle', () => {
    it('is a machine without a run for an hour, with what it costs and what was measured', async () => {
      const [first] = await insightsOf(scene({runs: [ENDED], look: quiet}))
      expect(first).to.deep.include({kind: 'idle', id: INSTANCE_ID, command: `runctl mem stop ${INSTANCE_ID}`, owner: 'ada'})
      expect(first?.finding).to.include('no run for 1 h 30 min').and.to.include('load of the last minute was 0.02')
      expect(first?.usd_per_month).to.be.closeTo(1.006 * 730, 0.01)
      const [never] = await insightsOf(scene({runs: [], look: quiet}))
      expect(never?.finding).to.include('nothing has run since its start for 4 h')
    })

    it('is none where a run is active or has just ended, something else is busy, it costs nothing, or it does not answer', async () => {
      expect(await kindsOf(scene({look: quiet, runs: [{...ENDED, ended_at: '2026-11-23T11:30:00Z'}]}))).to.deep.equal([])
      expect(await kindsOf(scene({runs: [], look: {...quiet, load_1min: 3}}))).to.deep.equal([])
      expect(await kindsOf(scene({runs: [], look: {...quiet, gpus: gpus(80, 1e9)}}))).to.deep.equal([])
      expect(await kindsOf(scene({runs: [], look: quiet, instance: {launchedAt: null}}))).to.deep.equal([])
      expect(await kindsOf(scene({runs: [], look: quiet, instance: {tags: {}}}))).to.deep.equal([])
      const free = scene({runs: [], look: quiet})
      free.provider.pricing = {hourlyPrice: async () => ({usdPerHour: 0, source: 'test'})}
      expect(await kindsOf(free)).to.deep.equal([])
      const silent = scene({runs: [], look: quiet})
      silent.scripted.handlers.status = () => Promise.reject(new RunctlError('unreachable', 'no answer'))
      expect(await kindsOf(silent)).to.deep.equal([])
    })

    it('has no dollars where the price is not known', async () => {
      const deps = scene({runs: [], look: quiet})
      deps.provider.pricing = {hourlyPrice: async () => null}
      expect((await insightsOf(deps))[0]).to.deep.include({kind: 'idle', usd_per_month: null})
    })
  })

  it('no-limit: neither the tag nor the agent knows one; not on a platform that keeps none', async () => {
    const [found] = await insightsOf(scene({instance: {tags: MINE}}))
    expect(found).to.deep.include({kind: 'no-limit', usd_per_month: null, command: `runctl mem extend ${INSTANCE_ID} --hours 8 --idle 30m`})
    expect(found?.finding).to.include('$24.14 a day')
    const guarded = scene({instance: {tags: MINE}})
    const guard = {max_seconds: null, max_usd: null, idle_s: 1800, used_seconds: 1, used_usd: null, stops_at: null, stops_because: null, idle_since: null, put_off: null, last_stop: null}
    guarded.scripted.handlers.status = () => ({runs: [BUSY], guard, boot_id: 'b', now: ''})
    expect(await kindsOf(guarded)).to.deep.equal([])
    const none = scene({instance: {tags: MINE}})
    Object.assign(none.provider, {selfStop: undefined})
    expect(await kindsOf(none)).to.deep.equal([])
  })

  describe('oversized', () => {
    it('is claimed of two looks at GPUs, with their times', async () => {
      const deps = scene({look: {...quiet, gpus: gpus(12, 2e9)}})
      const [found] = await insightsOf(deps)
      expect(found).to.deep.include({kind: 'oversized', usd_per_month: null})
      expect(found?.finding).to.include('no GPU was busier than 12 % or used more than 2 GB of its 24 GB').and.to.include('two looks')
      expect(deps.clock.slept).to.deep.equal([2000])
    })

    it('is not where one look sees it at work, its memory is used, a figure is lacking, or the run has just begun', async () => {
      for (const look of [gpus(12, 20e9), gpus(60, 2e9), gpus(null, 2e9)]) expect(await kindsOf(scene({look: {...quiet, gpus: look}}))).to.deep.equal([])
      const deps = scene()
      let looks = 0
      deps.scripted.handlers.processes = () => ({...quiet, gpus: gpus(looks++ === 0 ? 3 : 95, 2e9)})
      expect(await kindsOf(deps)).to.deep.equal([])
      expect(await kindsOf(scene({look: {...quiet, gpus: gpus(1, 1e9)}, runs: [{...BUSY, started_at: '2026-11-23T11:55:00Z'}]}))).to.deep.equal([])
    })

    it('is claimed of cores by their load, where the memory is not used either', async () => {
      const idleCores = {...quiet, cpu_count: 16, load_1min: 0.9, memory_total_bytes: 64e9, memory_used_bytes: 4e9}
      expect((await insightsOf(scene({look: idleCores})))[0]?.finding).to.include('at most 0.9 on 16 cores')
      expect(await kindsOf(scene({look: {...idleCores, memory_used_bytes: 50e9}}))).to.deep.equal([])
      expect(await kindsOf(scene({look: {...idleCores, load_1min: 12}}))).to.deep.equal([])
    })
  })

  describe('spot-missed', () => {
    const withSpot = (deps: FakeDeps, ...history: readonly {readonly from: string; readonly usdPerHour: number}[]): FakeDeps => {
      deps.provider.pricing = {hourlyPrice: async () => ({usdPerHour: 1, source: 'test'}), onDemandPrice: async () => ({usdPerHour: 1, source: 'test'}), priceHistory: async () => history}
      return deps
    }

    it('is the mean of the time that was looked at against the on-demand price', async () => {
      // A seventh at 0.8, the rest at 0.1.
      const [found] = await insightsOf(withSpot(scene(), {from: '2026-11-01T00:00:00Z', usdPerHour: 0.8}, {from: '2026-11-17T12:00:00Z', usdPerHour: 0.1}))
      expect(found?.kind).to.equal('spot-missed')
      expect(found?.finding).to.include('80 % less').and.to.include('$0.200/h on average and $0.800/h at most').and.to.include('7 day(s)')
      expect(found?.usd_per_month).to.be.closeTo(0.8 * 730, 0.01)
      expect(found?.command).to.equal('runctl mem create --spot --type=small --wait')
    })

    it('is none where the work cannot go on elsewhere, it is a spot machine, little is saved, or nobody tells prices', async () => {
      const cheap = {from: '2026-11-01T00:00:00Z', usdPerHour: 0.1}
      expect(await kindsOf(withSpot(scene({runs: [{...BUSY, last_stored_checkpoint: null}]}), cheap))).to.deep.equal([])
      expect(await kindsOf(withSpot(scene({instance: {lifecycle: 'spot'}}), cheap))).to.deep.equal([])
      expect(await kindsOf(withSpot(scene(), {...cheap, usdPerHour: 0.9}))).to.deep.equal([])
      expect(await kindsOf(withSpot(scene()))).to.deep.equal([])
    })
  })

  describe('unsynced', () => {
    const onDisk = checkpoint({modified_at: '2026-11-23T11:45:00Z', places: [{kind: 'instance', where: INSTANCE_ID, path: '/x', verified_at: '2026-11-23T11:46:00Z'}]})
    const alone = run({started_at: '2026-11-23T11:15:00Z', last_checkpoint: onDisk})

    it('is a run whose newest checkpoint is nowhere else, with the work that it took', async () => {
      const [found] = await insightsOf(scene({runs: [alone]}))
      expect(found).to.deep.include({kind: 'unsynced', usd_per_month: null, command: `runctl mem pull ${INSTANCE_ID} --checkpoints --project=mnist`})
      expect(found?.finding).to.include('30 min of work')
      expect(found?.at_risk_usd).to.be.closeTo(1.006 / 2, 0.001)
    })

    it('is none where a verified copy exists or an upload keeps up; is one where it fails', async () => {
      const copied = {...onDisk, places: [...onDisk.places, {kind: 'client' as const, where: 'laptop', path: '/y', verified_at: '2026-11-23T11:47:00Z'}]}
      const upload = {done: 1, pending: 1, pending_bytes: 1, error: null, bytes_per_s: 1, behind_since: '2026-11-23T11:59:00Z'}
      const uploading = {...alone, output_uri: 's3://b/o/', upload}
      expect(await kindsOf(scene({runs: [{...alone, last_checkpoint: copied}]}))).to.deep.equal([])
      expect(await kindsOf(scene({runs: [uploading]}))).to.deep.equal([])
      expect((await insightsOf(scene({runs: [{...uploading, upload: {...upload, error: '403 AccessDenied'}}]})))[0]?.finding).to.include('403 AccessDenied')
      expect(await kindsOf(scene({runs: [{...uploading, upload: {...upload, behind_since: '2026-11-23T11:30:00Z'}}]}))).to.deep.equal(['unsynced'])
    })

    it('is what a stop counted, unless the machine ran since', async () => {
      const tags = {...MINE, [TAGS.onlyHere]: '3', [TAGS.onlyHereOf]: '2026-11-23T08:00:00Z'}
      expect((await insightsOf(scene({instance: {state: 'stopped', tags}})))[0]?.finding).to.include('3 complete checkpoint(s)')
      expect(await kindsOf(scene({instance: {state: 'stopped', tags: {...tags, [TAGS.onlyHereOf]: '2026-11-01T00:00:00Z'}}}))).to.deep.equal([])
    })
  })

  it('stopped-long: two weeks, with disks that cost; of what runctl did not make there is no command', async () => {
    const deps = scene({instance: {state: 'stopped', stoppedAt: '2026-11-01T12:00:00Z', tags: {...MINE, [TAGS.owner]: '--yes; rm'}}})
    deps.provider.put(sampleInstance({id: 'untagged', state: 'stopped', stoppedAt: '2026-11-01T12:00:00Z'}))
    deps.provider.put(sampleInstance({id: 'young', state: 'stopped', stoppedAt: '2026-11-20T12:00:00Z'}))
    deps.provider.pricing = {hourlyPrice: async () => null, diskPrices: async ids => new Map(ids.map(id => [id, {usdPerMonth: 40, gib: 500, source: 'test'}]))}
    const found = await insightsOf(deps)
    expect(found.map(({command, id, usd_per_month}) => [id, usd_per_month, command])).to.deep.equal([
      [INSTANCE_ID, 40, "runctl resources cleanup --platform mem --older-than 14d --owner='--yes; rm'"],
      ['untagged', 40, null],
    ])
    expect(found[0]?.finding).to.include('22 days').and.to.include('500 GiB')
  })

  it('unattached: with dollars; what is in use, or another\'s by the filter, is not in it', async () => {
    const deps = scene()
    deps.provider.holdings = new MemoryHoldings(deps.journal, sampleHolding({id: 'a', tags: MINE}), sampleHolding({id: 'b', usdPerMonth: 80}), sampleHolding({id: 'c', attachedTo: 'i-1'}))
    expect((await insightsOf(deps)).map(({command, id, usd_per_month}) => [id, usd_per_month, command])).to.deep.equal([
      ['b', 80, null], ['a', 8, 'runctl resources cleanup --platform mem --kind volume --owner=ada'],
    ])
    expect((await findInsights({project: null, owner: 'ada'}, [placeOf(deps, 'RUNCTL_MEM_REGION=far ')]))[0]?.command).to.match(/^RUNCTL_MEM_REGION=far runctl /)
    expect(deps.journal).to.deep.equal([])
  })

  it('sums a thing once, with its largest saving', async () => {
    const [one] = await insightsOf(scene({runs: [], look: quiet}))
    expect(savingOf([{...one!, usd_per_month: 5}, {...one!, kind: 'spot-missed', usd_per_month: 3}, {...one!, id: 'b', usd_per_month: 1}, {...one!, id: 'c', usd_per_month: null}])).to.deep.equal({usd: 6, of: 2})
  })
})
