import {mkdtemp, realpath, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import path from 'node:path'
import {expect} from 'chai'

import type {GuardAnswer, GuardRequest} from '../../src/agent/guard-protocol.js'
import type {StartRequest} from '../../src/agent/protocol.js'
import {createInstance, createInstances, type CreateInput} from '../../src/core/create-instance.js'
import {extendLimits} from '../../src/core/extend-limits.js'
import {monitorRun} from '../../src/core/monitor-run.js'
import {listResourcesAtRisk} from '../../src/core/resources-at-risk.js'
import {outcomeError} from '../../src/core/run-outcome.js'
import {showStatus} from '../../src/core/show-status.js'
import {startInstance} from '../../src/core/start-instance.js'
import {train, type TrainInput} from '../../src/core/train.js'
import {RunctlError} from '../../src/model/errors.js'
import {TAGS, type Instance} from '../../src/model/instance.js'
import type {LimitWish} from '../../src/model/limits.js'
import type {CreateInstanceRequest, SelfStop} from '../../src/providers/provider.js'
import {FakeDeps} from '../support/fake-deps.js'
import {INSTANCE_ID} from '../support/memory-provider.js'
import {expectedFailure} from '../support/rejection.js'
import {SAVE} from '../support/save-settings.js'
import {logsOf} from '../support/scripted-agent.js'
import {run} from '../ui/samples.js'

const SELF_STOP: SelfStop = {install: 'set-up', endsAs: () => 'stop', access: async () => ({region: 'r', endpoint: null})}
const STOPS_AT = '2026-11-23T18:00:00Z'
const wish = (set: LimitWish['set'], defaults: LimitWish['defaults'] = {}): LimitWish => ({set, defaults, overrun_s: 900})
const answer = (over: Partial<GuardAnswer> = {}): GuardAnswer => ({
  max_seconds: 28_800, max_usd: null, idle_s: null, used_seconds: 0, used_usd: 0, stops_at: STOPS_AT, stops_because: 'hours', idle_since: null, put_off: null, last_stop: null, ...over,
})
const NONE = answer({max_seconds: null, stops_at: null, stops_because: null})

/** A platform whose machines can stop themselves, and an agent that answers as told. */
function scene(instance: Partial<Instance> | null = {}, guard: (request: GuardRequest) => GuardAnswer = () => answer()): {readonly deps: FakeDeps; readonly asked: CreateInstanceRequest[]} {
  const deps = new FakeDeps(instance)
  Object.assign(deps.provider, {selfStop: SELF_STOP})
  const asked: CreateInstanceRequest[] = []
  const create = deps.provider.createInstance.bind(deps.provider)
  deps.provider.createInstance = async request => {
    asked.push(request)
    return create(request)
  }
  deps.scripted.handlers.guard = guard
  deps.scripted.handlers.status = () => ({runs: [], guard: guard({request_id: ''}), boot_id: 'b', now: ''})
  return {deps, asked}
}
const guardRequests = (deps: FakeDeps): readonly GuardRequest[] => deps.scripted.calls.filter(({verb}) => verb === 'guard').map(({request}) => request as GuardRequest)

describe('create with limits', () => {
  const input = (over: Partial<CreateInput>): CreateInput =>
    ({requestId: 'req-1', name: null, instanceType: null, project: 'p', owner: 'me', version: '1', wait: false, timeoutMs: 60_000, ...over})

  it('hands them on with the request, so that they hold without anybody; the tag goes along', async () => {
    const {asked, deps} = scene(null)
    const now = deps.clock.now().getTime()
    const {limits} = await createInstance(input({limits: wish({max_seconds: 3600}, {idle_s: 1800})}), deps)
    expect(asked[0]?.limits).to.deep.include({hardSeconds: 3600 + 900 + 60, unattendedSeconds: 1800})
    expect(JSON.parse(asked[0]?.limits?.forAgent ?? '')).to.deep.equal({set: {max_seconds: 3600, max_usd: null, idle_s: 1800}, overrun_s: 900, access: {region: 'r', endpoint: null}})
    const at = new Date(now + 3_600_000).toISOString()
    expect(asked[0]?.tags[TAGS.stopsAt]).to.equal(at.replace('.000Z', 'Z'))
    expect(limits).to.deep.include({known_from: 'request', stops_at: at})
    expect(deps.scripted.calls).to.deep.equal([])
    expect(deps.progress.notes.at(-1)).to.match(/^small at \$1\.006\/h \(test\); stops itself .* at the latest \(1 h, \$1\.01\), or after 30 min idle$/)
  })

  it('reckons dollars at the most that an hour can cost, as the platform plans it', async () => {
    const {asked, deps} = scene(null)
    Object.assign(deps.provider, {planCreate: async () => ({settings: {}, usdPerHour: 0.5, atMostUsdPerHour: 2})})
    await createInstance(input({limits: wish({max_usd: 4})}), deps)
    expect(asked[0]?.limits).to.deep.include({hardSeconds: 2 * 3600 + 960, unattendedSeconds: null})
    expect(JSON.parse(asked[0]?.limits?.forAgent ?? '').price).to.deep.include({usd_per_hour: 0.5, at_most_usd_per_hour: 2})
    // At the present price.
    expect(asked[0]?.tags[TAGS.stopsAt]).to.equal(new Date(deps.clock.now().getTime() + 8 * 3_600_000).toISOString().replace('.000Z', 'Z'))
  })

  it('with --wait asks the machine itself, which is told only what it lacks, and refreshes the tag', async () => {
    const {deps} = scene(null)
    const {limits} = await createInstance(input({wait: true, limits: wish({max_seconds: 28_800})}), deps)
    const [request] = guardRequests(deps)
    expect(request).to.deep.include({set: {max_seconds: 28_800}, only_unset: ['max_seconds'], install: 'set-up', ends_as: 'stop', access: {region: 'r', endpoint: null}, overrun_s: 900})
    expect(request?.price).to.deep.equal({usd_per_hour: 1.006, at_most_usd_per_hour: 1.006, storage_usd_per_hour: 0, spot: null})
    expect(limits).to.deep.include({known_from: 'instance', stops_at: STOPS_AT})
    expect(deps.provider.get('mem-new').tags[TAGS.stopsAt]).to.equal(STOPS_AT)
  })

  it('tells that the machine exists where it cannot keep them', async () => {
    const {deps} = scene(null, () => {
      throw new RunctlError('wrong_state', 'sudo wants a password')
    })
    const [outcome] = await createInstances(input({wait: true, limits: wish({idle_s: 60})}), 1, deps)
    if (!outcome || !('error' in outcome)) throw new Error('it was made')
    expect(outcome.instanceId).to.equal('mem-new')
    expect((outcome.error as RunctlError).message).to.equal('mem-new cannot keep limits: sudo wants a password')
    expect((outcome.error as RunctlError).next).to.include('runctl mem stop mem-new')
    expect(deps.footprint.all.map(({stillRunning}) => stillRunning).join()).to.include('mem-new')
  })

  it('makes another request of it: one that was cut off with other limits is not taken up', async () => {
    const {deps} = scene(null)
    for (const limits of [wish({max_seconds: 60}), wish({idle_s: 60}), wish({})]) await createInstance(input({limits}), deps)
    const [hours, idle, none] = deps.createJournal.begun.map(({request}) => JSON.stringify(request))
    expect(new Set([hours, idle, none]).size).to.equal(3)
    expect(none).not.to.include('limits')
  })

  it('says and does nothing of limits where none are wished', async () => {
    const {asked, deps} = scene(null)
    expect((await createInstance(input({wait: true, limits: wish({})}), deps)).limits).to.equal(null)
    expect(asked[0]).not.to.have.property('limits')
    expect(asked[0]?.tags).not.to.have.property(TAGS.stopsAt)
    expect(deps.scripted.calls).to.deep.equal([])
    expect(deps.progress.notes.at(-1)).to.include('nothing stops it by itself: runctl mem extend mem-new --hours 8')
  })

  const REFUSED: readonly (readonly [string, (deps: FakeDeps) => unknown, LimitWish, RegExp])[] = [
    ['where machines cannot stop themselves', deps => Object.assign(deps.provider, {selfStop: undefined}), wish({max_seconds: 60}), /cannot stop themselves/],
    ['in dollars where the price is unknown', deps => Object.assign(deps.provider, {pricing: {hourlyPrice: async () => null}}), wish({max_usd: 5}), /--max-cost cannot be kept: the price/],
    ['in dollars, of the configuration too', deps => Object.assign(deps.provider, {pricing: {hourlyPrice: async () => null}}), wish({}, {max_usd: 5}), /limits\.max_cost of the configuration cannot be kept/],
    ['in dollars where nothing costs anything', deps => Object.assign(deps.provider, {pricing: {hourlyPrice: async () => ({usdPerHour: 0, source: 'x'})}}), wish({max_usd: 5}), /never be reached/],
  ]
  for (const [what, prepare, limits, message] of REFUSED) {
    it(`is refused before anything is asked for: ${what}`, async () => {
      const {asked, deps} = scene(null)
      prepare(deps)
      const error = await expectedFailure(createInstance(input({limits}), deps))
      expect(error.code).to.equal('bad_input')
      expect(error.message).to.match(message)
      expect(error.next).not.to.be.empty
      expect([asked, deps.journal]).to.deep.equal([[], []])
    })
  }

  it('leaves a configured limit out, with a warning, where machines cannot stop themselves; dollars without one where nothing costs anything', async () => {
    const {asked, deps} = scene(null)
    Object.assign(deps.provider, {selfStop: undefined})
    await createInstance(input({limits: wish({}, {max_seconds: 60})}), deps)
    expect(deps.progress.warnings).to.deep.equal(['instances of mem cannot stop themselves: the limits of the configuration are not kept'])
    const free = scene(null)
    Object.assign(free.deps.provider, {pricing: {hourlyPrice: async () => ({usdPerHour: 0, source: 'x'})}})
    await createInstance(input({limits: wish({}, {max_usd: 5, idle_s: 60})}), free.deps)
    expect([free.deps.progress.warnings, free.asked[0]?.limits?.hardSeconds, free.asked[0]?.limits?.unattendedSeconds]).to.deep.equal([[], null, 60])
    expect(asked[0]).not.to.have.property('limits')
  })
})

describe('train with limits', () => {
  let root: string
  before(async () => {
    root = await realpath(await mkdtemp(path.join(tmpdir(), 'runctl-limits-')))
    await writeFile(path.join(root, 'train.py'), 'print(1)\n')
  })
  after(() => rm(root, {recursive: true}))
  const input = (limits?: LimitWish): TrainInput => ({
    instanceId: INSTANCE_ID, script: 'train.py', args: [], cwd: root, projectRoot: root, projectName: 'proj', syncCode: false, include: [], env: {},
    data: null, output: null, defaultOutput: null, checkpointDir: 'checkpoints', checkpointPatterns: [], outputDir: 'outputs', resume: null, name: null,
    python: null, concurrent: false, readyTimeoutMs: null, followed: true, ...(limits ? {limits} : {}),
  })
  const sent = (deps: FakeDeps): StartRequest => deps.scripted.calls.find(({verb}) => verb === 'start')?.request as StartRequest
  function trained(instance: Partial<Instance> = {}, guard: GuardAnswer | null = answer()): FakeDeps {
    const {deps} = scene(instance)
    deps.scripted.handlers.start = ({run_id}) => ({run: run({run_id}), sync: null, resume_skipped: [], guard})
    return deps
  }

  it('sends them in the same call as the start, what the configuration says only where there is none; the tag goes with the others', async () => {
    const deps = trained()
    const {result} = await train(input(wish({max_seconds: 28_800}, {idle_s: 60})), deps)
    expect(deps.scripted.verbs).to.deep.equal(['start'])
    expect(sent(deps).guard).to.deep.include({set: {max_seconds: 28_800, idle_s: 60}, only_unset: ['idle_s'], install: 'set-up'})
    expect(result.limits).to.deep.include({stops_at: STOPS_AT, known_from: 'instance'})
    expect(deps.journal).to.deep.equal(['pretrain', 'setTags'])
    expect(deps.provider.get().tags).to.include({[TAGS.stopsAt]: STOPS_AT, [TAGS.project]: 'proj'})
  })

  it('writes no tag that says the same, and refreshes the price of a machine that keeps limits', async () => {
    const deps = trained({tags: {[TAGS.stopsAt]: '2026-11-23T18:01:00Z', [TAGS.project]: 'proj', [TAGS.lastRun]: 'run-0'}})
    await train(input(), deps)
    expect(deps.journal).to.deep.equal(['pretrain'])
    expect(sent(deps).guard).to.include({install: 'set-up'}).and.not.have.property('set')
    expect(sent(deps).guard?.price?.usd_per_hour).to.equal(1.006)
  })

  it('asks nothing of limits where there are none, and says how to set one', async () => {
    const deps = trained({}, null)
    expect((await train(input(wish({})), deps)).result.limits).to.equal(null)
    expect(sent(deps)).not.to.have.property('guard')
    expect(deps.progress.notes).to.deep.equal([`small at $1.006/h (test); nothing stops it by itself: runctl mem extend ${INSTANCE_ID} --hours 8`])
  })

  it('takes a limit away that is switched off', async () => {
    const deps = trained({tags: {[TAGS.stopsAt]: STOPS_AT}}, NONE)
    await train(input(wish({max_seconds: null})), deps)
    expect(sent(deps).guard?.set).to.deep.equal({max_seconds: null})
    expect(deps.provider.get().tags[TAGS.stopsAt]).to.equal('')
  })

  it('leaves configured dollars out with a warning where the price is unknown, and refuses said ones before anything is sent', async () => {
    const deps = trained()
    Object.assign(deps.provider, {pricing: {hourlyPrice: async () => null}})
    await train(input(wish({}, {max_usd: 5, idle_s: 60})), deps)
    expect(sent(deps).guard?.set).to.deep.equal({idle_s: 60})
    expect(deps.progress.warnings.join()).to.include('limits.max_cost of the configuration cannot be kept')
    expect((await expectedFailure(train(input(wish({max_usd: 5})), deps))).message).to.include('--max-cost cannot be kept')
    expect(deps.scripted.verbs).to.deep.equal(['start'])
  })

  it('knows the most that a spot machine can cost, and its disks', async () => {
    const deps = trained({lifecycle: 'spot', zone: 'z-1'})
    Object.assign(deps.provider, {pricing: {
      hourlyPrice: async () => ({usdPerHour: 0.3, source: 'x'}), onDemandPrice: async () => ({usdPerHour: 1, source: 'x'}),
      diskPrices: async ([id]: readonly string[]) => new Map([[id, {usdPerMonth: 7.3, gib: 100, source: 'x'}]]),
    }})
    await train(input(wish({max_usd: 5})), deps)
    expect(sent(deps).guard?.price).to.deep.equal({usd_per_hour: 0.3, at_most_usd_per_hour: 1, storage_usd_per_hour: 0.01, spot: {instance_type: 'small', zone: 'z-1'}})
    // Disks that nobody knows the price of are unknown, not free.
    Object.assign(deps.provider.pricing ?? {}, {diskPrices: async () => new Map()})
    await train(input(wish({max_usd: 5})), deps)
    expect((deps.scripted.calls.at(-1)?.request as StartRequest).guard?.price?.storage_usd_per_hour).to.equal(null)
  })

  it('says what to do where the machine cannot keep them', async () => {
    const deps = trained()
    deps.scripted.handlers.start = () => {
      throw new RunctlError('wrong_state', 'sudo wants a password', {details: {limits: true}})
    }
    const error = await expectedFailure(train(input(wish({max_seconds: 60})), deps))
    expect(error.message).to.equal(`${INSTANCE_ID} cannot keep limits: sudo wants a password`)
    expect(error.next).to.include('the same with --max-hours none --max-cost none --idle none')
  })
})

describe('start with limits', () => {
  const start = (deps: FakeDeps, limits: LimitWish, wait = true): ReturnType<typeof startInstance> =>
    startInstance({instanceId: INSTANCE_ID, wait, timeoutMs: 60_000, limits}, deps)

  it('tells when it stops itself again, and sets what was said', async () => {
    const {deps} = scene({state: 'stopped', tags: {[TAGS.stopsAt]: '2026-11-20T00:00:00Z'}})
    const {limits} = await start(deps, wish({max_seconds: 28_800}))
    expect(guardRequests(deps)[0]).to.deep.include({set: {max_seconds: 28_800}})
    expect(limits).to.deep.include({stops_at: STOPS_AT})
    expect(deps.provider.get().tags[TAGS.stopsAt]).to.equal(STOPS_AT)
    expect(deps.progress.notes.at(-1)).to.include('stops itself')
  })

  it('without --wait asks nothing, and says who knows', async () => {
    const {deps} = scene({state: 'stopped', tags: {[TAGS.stopsAt]: '2026-11-20T00:00:00Z'}})
    await start(deps, wish({}, {idle_s: 60}), false)
    expect(deps.scripted.calls).to.deep.equal([])
    expect(deps.progress.notes.at(-1)).to.include(`it keeps limits: runctl mem status ${INSTANCE_ID}`)
  })

  it('asks a machine without limits nothing', async () => {
    const {deps} = scene({state: 'stopped'})
    await start(deps, wish({}))
    expect(deps.scripted.calls).to.deep.equal([])
  })
})

describe('extend', () => {
  const extend = (deps: FakeDeps, change: LimitWish['set']): ReturnType<typeof extendLimits> => extendLimits({instanceId: INSTANCE_ID, change, overrunS: 900}, deps)

  it('adds to what there is, renews the tag and tells both times', async () => {
    const later = '2026-11-23T20:00:00Z'
    const {deps} = scene({tags: {[TAGS.stopsAt]: STOPS_AT}}, ({extend: more}) => (more ? answer({max_seconds: 36_000, stops_at: later}) : answer()))
    const result = await extend(deps, {max_seconds: 7200})
    expect(guardRequests(deps)[1]).to.deep.include({extend: {seconds: 7200}}).and.not.have.property('set')
    expect([result.before?.stops_at, result.limits?.stops_at, result.newly_set]).to.deep.equal([STOPS_AT, later, []])
    expect(deps.provider.get().tags[TAGS.stopsAt]).to.equal(later)
  })

  it('sets a limit where there is none, and says so', async () => {
    const {deps} = scene({}, ({set}) => (set ? answer({max_usd: 5, idle_s: 60}) : answer()))
    const result = await extend(deps, {max_usd: 5, idle_s: 60, max_seconds: 60})
    expect(guardRequests(deps)[1]).to.deep.include({set: {max_usd: 5, idle_s: 60}, extend: {seconds: 60}, overrun_s: 900})
    expect(result.newly_set).to.deep.equal(['max_usd', 'idle_s'])
  })

  it('takes limits away', async () => {
    const {deps} = scene({tags: {[TAGS.stopsAt]: STOPS_AT}}, ({set}) => (set ? NONE : answer()))
    const result = await extend(deps, {max_seconds: null})
    expect(guardRequests(deps)[1]).to.deep.include({set: {max_seconds: null}})
    expect([result.limits, deps.provider.get().tags[TAGS.stopsAt]]).to.deep.equal([null, ''])
  })

  it('is refused for a stopped instance, with what sets a limit when it is started', async () => {
    const {deps} = scene({state: 'stopped'})
    const error = await expectedFailure(extend(deps, {max_seconds: 9000}))
    expect([error.code, error.next]).to.deep.equal(['wrong_state', [`runctl mem start ${INSTANCE_ID} --wait --max-hours 2.5`]])
    expect(deps.scripted.calls).to.deep.equal([])
  })

  it('is refused where no limit can be kept, before anything is changed', async () => {
    const none = scene()
    Object.assign(none.deps.provider, {selfStop: undefined})
    expect((await expectedFailure(extend(none.deps, {max_seconds: 60}))).message).to.include('cannot stop themselves')
    expect(none.deps.scripted.calls).to.deep.equal([])
    const unpriced = scene()
    Object.assign(unpriced.deps.provider, {pricing: {hourlyPrice: async () => null}})
    expect((await expectedFailure(extend(unpriced.deps, {max_usd: 60}))).message).to.include('price')
    expect(guardRequests(unpriced.deps).filter(({set}) => set)).to.deep.equal([])
  })
})

describe('what is said of limits', () => {
  it('in status and lists is the instance\'s own word over its tags', async () => {
    const {deps} = scene({tags: {[TAGS.stopsAt]: '2026-11-20T00:00:00Z', [TAGS.createdBy]: '1'}})
    expect(await showStatus(INSTANCE_ID, SAVE, deps)).to.deep.include({stops_at: STOPS_AT, limits_note: null}).and.to.have.nested.property('limits.used_seconds', 0)
    expect((await listResourcesAtRisk({states: []}, deps))[0]?.stops_at).to.equal(STOPS_AT)
    deps.scripted.handlers.status = () => {
      throw new RunctlError('unreachable', 'no answer')
    }
    expect(await showStatus(INSTANCE_ID, SAVE, deps)).to.deep.include({stops_at: '2026-11-20T00:00:00.000Z', limits: null})
    expect((await listResourcesAtRisk({states: []}, deps))[0]?.stops_at).to.equal('2026-11-20T00:00:00.000Z')
  })

  it('of a machine that stopped itself is what it wrote, not of one that a person stopped', async () => {
    const tags = {[TAGS.guard]: 'stopped itself at 2026-11-23T18:00Z: its limit of 8 h of running was reached', [TAGS.stopsAt]: STOPS_AT}
    for (const [stateReason, note] of [['budget', tags[TAGS.guard]], [null, tags[TAGS.guard]], ['user', null]] as const) {
      expect(await showStatus(INSTANCE_ID, SAVE, scene({state: 'stopped', stateReason, tags}).deps)).to.deep.include({limits_note: note, stops_at: null})
    }
  })

  it('in monitor is asked where the tags name limits', async () => {
    const {deps} = scene({tags: {[TAGS.stopsAt]: 'when-idle'}})
    Object.assign(deps.scripted.handlers, {logs: logsOf(Buffer.from('x\n'), run()), checkpoints: () => ({checkpoints: [], dir: '/c', project_dir: '/p', latest_good: null, latest_good_skipped: []})})
    const look = (): ReturnType<typeof monitorRun> => monitorRun({instanceId: INSTANCE_ID, runId: null, lines: 1, save: SAVE}, deps)
    expect((await look()).limits?.stops_at).to.equal(STOPS_AT)
    deps.provider.put({...deps.provider.get(), tags: {}})
    expect((await look()).limits).to.equal(null)
    expect(deps.scripted.verbs.filter(verb => verb === 'status')).to.have.length(1)
  })

  it('of a run that a limit ended is how to go on', async () => {
    const {deps} = scene()
    deps.scripted.handlers.logs = () => {
      throw new RunctlError('wrong_state', 'it is stopping')
    }
    const context = {platform: 'mem', instanceId: INSTANCE_ID}
    const budget = await outcomeError(run({state: 'stopped', reason: 'budget', detail: 'its limit of 8 h of running was reached'}), context, deps.agent(), deps.signal)
    expect(budget?.message).to.equal('run-20261123-195501-3f9a stopped at a limit of its machine: its limit of 8 h of running was reached')
    expect(budget?.code).to.equal('training_failed')
    expect(budget?.next.slice(0, 2)).to.deep.equal([`runctl mem start ${INSTANCE_ID} --wait --max-hours 8`, `runctl checkpoint resume --instance-id ${INSTANCE_ID} --run run-20261123-195501-3f9a --wait`])
    const idle = await outcomeError(run({state: 'stopped', reason: 'idle'}), context, deps.agent(), deps.signal)
    expect(idle?.message).to.include('because its machine was idle')
  })
})
