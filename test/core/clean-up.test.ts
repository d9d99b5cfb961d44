import {expect} from 'chai'

import {cleanUp, type CleanUpInput, type CleanUpReport} from '../../src/core/clean-up.js'
import type {CleanupRule} from '../../src/core/cleanup-verdict.js'
import {isRunctlError, RunctlError} from '../../src/model/errors.js'
import {TAGS, type Instance} from '../../src/model/instance.js'
import {FakeDeps} from '../support/fake-deps.js'
import {MemoryHoldings, sampleHolding} from '../support/memory-holdings.js'
import {sampleInstance, shellResult} from '../support/memory-provider.js'
import {placeOf} from '../support/resource-place.js'

const MINE = {[TAGS.createdBy]: '0.1.0', [TAGS.owner]: 'ada', [TAGS.project]: 'mnist'}
/** The clock of the tests stands at 2026-11-23T12:00Z. */
const LAUNCHED = '2026-11-01T10:00:00Z'
const SAVED = {[TAGS.lastRun]: 'run-20261101-100000-3f9a07c1', [TAGS.onlyHere]: '0', [TAGS.onlyHereOf]: LAUNCHED}

const RULE: CleanupRule = {
  olderThanMs: 7 * 86_400_000, project: null, owner: 'ada', kinds: ['instance', 'address', 'snapshot', 'volume'], isKindNamed: false, includeRunning: false, startToSave: false,
}
const input = (over: Partial<CleanUpInput> = {}, rule: Partial<CleanupRule> = {}): CleanUpInput =>
  ({rule: {...RULE, ...rule}, defaultOutput: null, act: true, graceMs: 1000, timeoutMs: 60_000, requestId: 'req-1', cwd: '/tmp', ...over})

const stopped = (id: string, over: Partial<Instance> = {}): Instance =>
  sampleInstance({id, state: 'stopped', createdAt: '2026-11-01T08:00:00Z', launchedAt: LAUNCHED, stoppedAt: '2026-11-02T10:00:00Z', tags: {...MINE, ...SAVED}, ...over})

function scene(...instances: readonly Instance[]): FakeDeps {
  const deps = new FakeDeps(null)
  for (const instance of instances) deps.provider.put(instance)
  deps.provider.shell.answer = () => shellResult('')
  return deps
}
const outcomes = ({result}: CleanUpReport): Record<string, string> => Object.fromEntries(result.items.map(({id, what}) => [id, what]))
const whyOf = ({result}: CleanUpReport, id: string): string => result.items.find(item => item.id === id)?.why ?? ''
const statesOf = (deps: FakeDeps): Record<string, string> => Object.fromEntries([...deps.provider.instances.values()].map(({id, state}) => [id, state]))

describe('cleanUp', () => {
  it('terminates what has been stopped for long, is known to be saved, and bears runctl\'s tag and the owner\'s', async () => {
    const deps = scene(
      stopped('goes'),
      stopped('older-version', {tags: {...MINE, ...SAVED, [TAGS.createdBy]: '0.0.1-beta'}}),
      stopped('never-used', {tags: MINE}),
      stopped('theirs', {tags: {...MINE, ...SAVED, [TAGS.owner]: 'bob'}}),
      stopped('nobodys', {tags: {...SAVED, [TAGS.createdBy]: '0.1.0'}}),
      stopped('untagged', {tags: {}}),
      stopped('owner-alone', {tags: {[TAGS.owner]: 'ada'}}),
      stopped('young', {stoppedAt: '2026-11-20T10:00:00Z'}),
      sampleInstance({id: 'no-time', state: 'stopped', tags: {...MINE, ...SAVED}}),
      sampleInstance({id: 'running', tags: {...MINE, [TAGS.lastRun]: 'run-1'}}),
      sampleInstance({id: 'gone', state: 'terminated', tags: MINE}),
    )
    const report = await cleanUp(input(), [placeOf(deps)])
    expect(outcomes(report)).to.deep.equal({
      goes: 'removed', 'older-version': 'removed', 'never-used': 'removed', theirs: 'left-alone', nobodys: 'left-alone', untagged: 'left-alone', 'owner-alone': 'left-alone',
      young: 'left-alone', 'no-time': 'left-alone', running: 'left-alone',
    })
    expect(Object.entries(statesOf(deps)).filter(([, state]) => state === 'terminated').map(([id]) => id)).to.have.members(['goes', 'older-version', 'never-used', 'gone'])
    expect(whyOf(report, 'theirs')).to.equal('it belongs to bob')
    expect(whyOf(report, 'owner-alone')).to.equal('runctl did not make it')
    expect(report.failures).to.deep.equal([])
  })

  it('changes nothing without being told to', async () => {
    const deps = scene(stopped('goes'), sampleInstance({id: 'half', createdAt: '2026-11-23T08:00:00Z', tags: MINE}))
    deps.provider.holdings = new MemoryHoldings(deps.journal, sampleHolding({tags: MINE}))
    const report = await cleanUp(input({act: false}, {includeRunning: true}), [placeOf(deps)])
    expect(outcomes(report)).to.deep.equal({goes: 'would-remove', half: 'would-remove', 'vol-1': 'would-remove'})
    expect(deps.journal).to.deep.equal([])
    expect(report.result.dry_run).to.equal(true)
  })

  describe('keeps work', () => {
    it('that is counted on the disk alone, or was never counted, and says how to save it', async () => {
      const deps = scene(
        stopped('only-here', {tags: {...MINE, ...SAVED, [TAGS.onlyHere]: '2'}}),
        stopped('unknown', {tags: {...MINE, [TAGS.lastRun]: 'run-1'}}),
        stopped('odd', {tags: {...MINE, ...SAVED, [TAGS.onlyHere]: '-0'}}),
        // Counted before it was started once more: who knows what ran then.
        stopped('stale', {tags: {...MINE, ...SAVED, [TAGS.onlyHereOf]: '2026-10-01T10:00:00Z'}}),
      )
      const report = await cleanUp(input(), [placeOf(deps)])
      expect(outcomes(report)).to.deep.equal({'only-here': 'refused', unknown: 'refused', odd: 'refused', stale: 'refused'})
      expect(deps.journal).to.deep.equal([])
      expect(report.result.items.find(({id}) => id === 'only-here')?.next).to.deep.equal(['runctl mem start only-here --wait', 'runctl mem pull only-here --checkpoints', 'runctl mem terminate only-here'])
    })

    it('of a machine that somebody started between the plan and its end', async () => {
      const deps = scene(stopped('started'))
      const look = deps.provider.describeInstances.bind(deps.provider)
      for (const at of [2, 3, 4]) {
        let looks = 0
        deps.provider.put(stopped('started'))
        deps.provider.describeInstances = (query, options) => {
          if (++looks === at) deps.provider.put(sampleInstance({id: 'started', state: 'running', tags: {...MINE, ...SAVED}}))
          return look(query, options)
        }
        const report = await cleanUp(input(), [placeOf(deps)])
        expect(outcomes(report), `look ${at}`).to.deep.equal({started: 'left-alone'})
        expect(statesOf(deps)).to.deep.equal({started: 'running'})
        expect(deps.journal, `look ${at}`).not.to.include('terminateInstance').and.not.to.include('prestop-checkpoint')
        expect(report.failures).to.deep.equal([])
      }
    })

    it('of a machine that was given to somebody else meanwhile', async () => {
      const deps = scene(stopped('given'))
      deps.lifecycle.answers.preterminate = () => {
        deps.provider.put(stopped('given', {tags: {...MINE, ...SAVED, [TAGS.owner]: 'bob'}}))
        return []
      }
      const report = await cleanUp(input(), [placeOf(deps)])
      expect(whyOf(report, 'given')).to.include('it belongs to bob')
      expect(statesOf(deps)).to.deep.equal({given: 'stopped'})
    })
  })

  describe('a half-created instance that runs', () => {
    const half = (over: Partial<Instance> = {}): Instance => sampleInstance({id: 'half', createdAt: '2026-11-23T08:00:00Z', tags: MINE, ...over})

    it('is named, with the command, and ended only where running ones are included', async () => {
      const deps = scene(half())
      const named = await cleanUp(input(), [placeOf(deps)])
      expect(outcomes(named)).to.deep.equal({half: 'left-alone'})
      expect(named.result.items[0]?.next).to.deep.equal(['runctl mem terminate half'])
      deps.lifecycle.answers['prestop-checkpoint'] = () => [{ok: true, why: null, reports: [], only_here: []}]
      deps.scripted.handlers.status = () => ({runs: [], boot_id: 'b', now: ''})
      deps.scripted.handlers.checkpoints = () => Promise.reject(new RunctlError('not_found', 'there is no run'))
      const ended = await cleanUp(input({}, {includeRunning: true}), [placeOf(deps)])
      expect(outcomes(ended)).to.deep.equal({half: 'removed'})
      expect(deps.journal).to.include('prestop-checkpoint')
      expect(ended.result.usd_per_month_less).to.be.closeTo(1.006 * 730, 0.01)
    })

    it('is none where it is young, was trained on, has a run on its disk, or does not answer', async () => {
      const included = input({}, {includeRunning: true})
      for (const [instance, answer] of [
        [half({createdAt: '2026-11-23T11:30:00Z'}), ''], [half({tags: {...MINE, [TAGS.lastRun]: 'run-1'}}), ''], [half(), 'run-20261101-100000-3f9a07c1\n'],
      ] as const) {
        const deps = scene(instance)
        deps.provider.shell.answer = () => shellResult(answer)
        expect(outcomes(await cleanUp(included, [placeOf(deps)]))).to.deep.equal({half: 'left-alone'})
        expect(deps.journal).to.deep.equal([])
      }
      const deps = scene(half())
      deps.provider.shell.answer = () => Promise.reject(new RunctlError('unreachable', 'no answer'))
      const report = await cleanUp(included, [placeOf(deps)])
      expect(whyOf(report, 'half')).to.include('does not answer')
      expect(deps.journal).to.deep.equal([])
    })

    it('goes without a save where the platform takes no commands for it at all', async () => {
      const deps = scene(half())
      deps.provider.shell.answer = () => Promise.reject(new RunctlError('unreachable', 'no profile', {details: {waiting_helps: false}}))
      deps.lifecycle.answers['prestop-checkpoint'] = () => [{ok: false, why: 'unreachable', reports: [], only_here: []}]
      deps.scripted.handlers.status = () => Promise.reject(new RunctlError('unreachable', 'no profile'))
      deps.scripted.handlers.checkpoints = () => Promise.reject(new RunctlError('unreachable', 'no profile'))
      expect(outcomes(await cleanUp(input({}, {includeRunning: true}), [placeOf(deps)]))).to.deep.equal({half: 'removed'})
    })
  })

  describe('what is attached to nothing', () => {
    const all = [
      sampleHolding({id: 'vol-mine', tags: MINE}),
      sampleHolding({id: 'vol-theirs', tags: {...MINE, [TAGS.owner]: 'bob'}}),
      sampleHolding({id: 'vol-untagged'}),
      sampleHolding({id: 'vol-used', tags: MINE, attachedTo: 'i-others'}),
      sampleHolding({id: 'vol-young', tags: MINE, createdAt: '2026-11-22T00:00:00Z'}),
      sampleHolding({id: 'snap-mine', kind: 'snapshot', tags: MINE, usdPerMonth: null}),
      sampleHolding({id: 'ip-mine', kind: 'address', tags: MINE, createdAt: null, sizeGib: null}),
    ]

    it('goes where it is runctl\'s and yours; what is attached is not even listed', async () => {
      const deps = scene()
      deps.provider.holdings = new MemoryHoldings(deps.journal, ...all)
      const report = await cleanUp(input(), [placeOf(deps)])
      expect(outcomes(report)).to.deep.equal({
        'vol-mine': 'removed', 'vol-theirs': 'left-alone', 'vol-untagged': 'left-alone', 'vol-young': 'left-alone', 'snap-mine': 'removed', 'ip-mine': 'left-alone',
      })
      expect(deps.journal).to.have.members(['delete volume vol-mine', 'delete snapshot snap-mine'])
      expect(report.result).to.deep.include({usd_per_month_less: 8, unpriced: 1})
    })

    it('goes without an age where its kind is named', async () => {
      const deps = scene(stopped('goes'))
      deps.provider.holdings = new MemoryHoldings(deps.journal, ...all)
      const report = await cleanUp(input({}, {kinds: ['address'], isKindNamed: true}), [placeOf(deps)])
      expect(outcomes(report)).to.deep.equal({'ip-mine': 'removed'})
    })

    it('stays where it was attached or given away after the plan', async () => {
      const deps = scene()
      const holdings = new MemoryHoldings(deps.journal, sampleHolding({id: 'a', tags: MINE}), sampleHolding({id: 'b', tags: MINE}), sampleHolding({id: 'c', tags: MINE}))
      deps.provider.holdings = holdings
      holdings.onList = () => {
        if (holdings.lists !== 2) return
        holdings.all.set('a', sampleHolding({id: 'a', tags: MINE, attachedTo: 'i-1'}))
        holdings.all.set('b', sampleHolding({id: 'b', tags: {}}))
        holdings.all.delete('c')
      }
      expect(outcomes(await cleanUp(input(), [placeOf(deps)]))).to.deep.equal({a: 'left-alone', b: 'left-alone', c: 'left-alone'})
      expect(deps.journal).to.deep.equal([])
    })

    it('is left out with a warning where it may not be listed, unless it was asked for', async () => {
      const deps = scene(stopped('goes'))
      deps.provider.holdings = new MemoryHoldings(deps.journal)
      deps.provider.holdings.list = () => {
        throw new RunctlError('platform_failed', 'may not do ec2:DescribeVolumes')
      }
      expect(outcomes(await cleanUp(input(), [placeOf(deps)]))).to.deep.equal({goes: 'removed'})
      expect(deps.progress.warnings.join('\n')).to.include('ec2:DescribeVolumes')
      const error: unknown = await cleanUp(input({}, {kinds: ['volume'], isKindNamed: true}), [placeOf(deps)]).catch((thrown: unknown) => thrown)
      expect(isRunctlError(error)).to.equal(true)
    })
  })

  it('counts the disks that go with an instance, not those that stay', async () => {
    const deps = scene(stopped('goes'))
    deps.provider.pricing = {hourlyPrice: async () => ({usdPerHour: 1, source: 'test'}), diskPrices: async () => new Map([['goes', {usdPerMonth: 99, gib: 1, source: 'test'}]])}
    expect((await cleanUp(input({act: false}), [placeOf(deps)])).result.usd_per_month_less).to.equal(99)
    deps.provider.holdings = new MemoryHoldings(
      deps.journal, sampleHolding({id: 'root', attachedTo: 'goes', goesWithInstance: true, usdPerMonth: 3}), sampleHolding({id: 'data', attachedTo: 'goes', usdPerMonth: 40}),
    )
    expect((await cleanUp(input({act: false}), [placeOf(deps)])).result.usd_per_month_less).to.equal(3)
  })

  it('goes on after a failure, and names what is still there with the commands of its region', async () => {
    const deps = scene(stopped('a'), stopped('b'))
    const terminate = deps.provider.terminateInstance
    deps.provider.terminateInstance = async id => {
      if (id === 'a') throw new RunctlError('platform_failed', 'no permission', {next: ['runctl doctor']})
      return terminate(id)
    }
    const report = await cleanUp(input(), [placeOf(deps, 'RUNCTL_MEM_REGION=far ')])
    expect(outcomes(report)).to.deep.equal({a: 'failed', b: 'removed'})
    expect(report.result.items[0]).to.deep.include({why: 'no permission', next: ['RUNCTL_MEM_REGION=far runctl doctor']})
    expect(report.failures.map(({id}) => id)).to.deep.equal(['a'])
  })

  it('goes by the platform\'s clock: a machine here whose clock is a month ahead ends nothing', async () => {
    const deps = scene(stopped('young', {stoppedAt: '2026-11-22T10:00:00Z'}))
    deps.clock.advance(30 * 86_400_000)
    Object.assign(deps.provider, {now: async () => new Date('2026-11-23T12:00:00Z')})
    expect(outcomes(await cleanUp(input(), [placeOf(deps)]))).to.deep.equal({young: 'left-alone'})
  })
})
