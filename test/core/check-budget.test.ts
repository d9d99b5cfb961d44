import {expect} from 'chai'

import type {BudgetTerms} from '../../src/core/check-budget.js'
import {createInstance, createInstances, type CreateInput} from '../../src/core/create-instance.js'
import {planCreate} from '../../src/core/plan-create.js'
import type {PlatformDeps} from '../../src/core/platform-deps.js'
import {startInstance} from '../../src/core/start-instance.js'
import type {Budget} from '../../src/model/budget.js'
import {RunctlError} from '../../src/model/errors.js'
import {TAGS} from '../../src/model/instance.js'
import {FakeDeps} from '../support/fake-deps.js'
import {INSTANCE_ID, sampleInstance} from '../support/memory-provider.js'
import {expectedFailure} from '../support/rejection.js'

const PROJECT = {[TAGS.project]: 'p'}

interface Over extends Partial<Budget> {
  readonly overBy?: string
  readonly platforms?: () => Promise<readonly PlatformDeps[]>
}

/** A budget as a command hands it on, and how often it looked at other platforms. */
function termsOf({day = null, month = null, overBy, platforms = () => Promise.resolve([]), warnAt = 0.8}: Over = {}): BudgetTerms {
  return {
    amountsOf: () => ({day, month, warnAt}),
    overBy: overBy ?? null,
    platforms,
    again: plus => ['runctl mem create', ...plus].join(' '),
    memory: {reviews: new Map(), granted: new Map()},
  }
}

const createOf = (budget: BudgetTerms | undefined, over: Partial<CreateInput> = {}): CreateInput => ({
  requestId: 'req-1', name: null, instanceType: null, project: 'p', owner: 'eva', version: '1', wait: false, timeoutMs: 60_000, ...(budget && {budget}), ...over,
})

/** Noon of the 23rd: twelve hours of the day are left, at $1.006 each. */
describe('budgets', () => {
  /** A machine of the project that has run since ten o'clock, at $1.006/h. */
  const withOneRunning = (tags: Readonly<Record<string, string>> = {}): FakeDeps => new FakeDeps({createdAt: '2026-11-23T10:00:00Z', tags: {...PROJECT, ...tags}})

  describe('before a create', () => {
    it('ask nothing where none is set', async () => {
      const deps = new FakeDeps(null)
      await createInstance(createOf(undefined), deps)
      await createInstance(createOf(termsOf({platforms: () => Promise.reject(new Error('asked'))})), deps)
      expect(deps.provider.describes).to.equal(0)
    })

    it('look at nothing for what costs nothing', async () => {
      const deps = new FakeDeps(null)
      deps.provider.pricing = {hourlyPrice: async () => ({usdPerHour: 0, source: 'free'})}
      await createInstance(createOf(termsOf({day: 0, platforms: () => Promise.reject(new Error('asked'))})), deps)
      expect([deps.provider.describes, deps.journal.includes('createInstance')]).to.deep.equal([0, true])
    })

    it('let through what fits, without a word', async () => {
      const deps = new FakeDeps(null)
      await createInstance(createOf(termsOf({day: 100, month: 1000})), deps)
      expect(deps.progress.warnings).to.deep.equal([])
      expect(deps.provider.get('mem-new').tags).not.to.have.property(TAGS.overBudget)
    })

    it('refuse what does not fit, before any step, with the figures, what runs, and every way on', async () => {
      const deps = withOneRunning()
      const error = await expectedFailure(createInstance(createOf(termsOf({day: 20})), deps))
      expect(error.code).to.equal('over_budget')
      expect(error.exitCode).to.equal(14)
      expect(error.message).to.equal('this would go over the budget of p: today (UTC) $26.16 of $20.00: $2.01 spent, $12.07 for what is there, $12.07 for this')
      expect(error.stillRunning).to.deep.equal([`instance ${INSTANCE_ID} ($1.006/h)`])
      expect(error.next).to.deep.equal(['runctl mem create --max-hours 5.8', `runctl mem stop ${INSTANCE_ID}`, 'runctl resources summary --project p', 'runctl mem create --over-budget'])
      expect(error.details['project']).to.equal('p')
      expect(error.details['budget']).to.have.length(1)
      expect(deps.journal).to.deep.equal([])
      expect(deps.createJournal.open).to.equal(0)
    })

    it('name the hours that fit into all budgets that it goes over', async () => {
      const error = await expectedFailure(createInstance(createOf(termsOf({day: 10, month: 3})), new FakeDeps(null)))
      expect(error.next[0]).to.equal('runctl mem create --max-hours 2.9')
      expect(error.message).to.include('today (UTC)').and.to.include('in November (UTC)')
    })

    it('count several together, and refuse them together', async () => {
      const deps = new FakeDeps(null)
      await createInstances(createOf(termsOf({day: 25})), 2, deps)
      const error = await expectedFailure(createInstances(createOf(termsOf({day: 36})), 3, new FakeDeps(null)))
      expect(error.code).to.equal('over_budget')
      expect(deps.journal.filter(entry => entry === 'createInstance')).to.have.length(2)
    })

    it('warn from the part on that is set', async () => {
      const deps = new FakeDeps(null)
      await createInstance(createOf(termsOf({day: 15})), deps)
      expect(deps.progress.warnings).to.deep.equal(['the budget of p is nearly used up: today (UTC) $12.07 of $15.00: $0.00 spent, $0.00 for what is there, $12.07 for this'])
    })

    it('are gone over on purpose with a warning, and recorded in the call that creates', async () => {
      const deps = new FakeDeps(null)
      let asked: Readonly<Record<string, string>> = {}
      const create = deps.provider.createInstance.bind(deps.provider)
      deps.provider.createInstance = request => {
        asked = request.tags
        return create(request)
      }
      await createInstance(createOf(termsOf({day: 1, overBy: 'eva'})), deps)
      expect(asked[TAGS.overBudget]).to.equal('eva 2026-11-23T12:00:00.000Z')
      expect(deps.progress.warnings[0]).to.include('this would go over the budget of p')
      expect(deps.progress.notes[0]).to.equal(`over the budget on purpose: recorded in the tag ${TAGS.overBudget}`)
      expect(deps.journal).not.to.include('setTags')
    })

    it('record nothing where it fits all the same', async () => {
      const deps = new FakeDeps(null)
      await createInstance(createOf(termsOf({day: 100, overBy: 'eva'})), deps)
      expect(deps.provider.get('mem-new').tags).not.to.have.property(TAGS.overBudget)
    })

    it('refuse what has no price, unless they are gone over on purpose', async () => {
      const deps = new FakeDeps(null)
      deps.provider.pricing = {hourlyPrice: async () => null}
      const error = await expectedFailure(createInstance(createOf(termsOf({day: 100})), deps))
      expect(error.code).to.equal('over_budget')
      expect(error.message).to.equal('the price of this is not known, so nobody can say whether it fits into the budget of p: today (UTC) at least $0.00 of $100.00: $0.00 spent, $0.00 for what is there, an unknown price for this')
      expect(error.next).to.deep.equal(['runctl resources summary --project p', 'runctl mem create --over-budget'])
      await createInstance(createOf(termsOf({day: 100, overBy: 'eva'})), deps)
      expect(deps.provider.get('mem-new').tags).to.have.property(TAGS.overBudget)
    })

    it('go by the present price of a platform that plans', async () => {
      const deps = new FakeDeps(null)
      Object.assign(deps.provider, {planCreate: async () => ({settings: {}, usdPerHour: 100})})
      expect((await expectedFailure(createInstance(createOf(termsOf({day: 1000})), deps))).code).to.equal('over_budget')
    })

    it('count only machines of the project, and those that stop themselves until then', async () => {
      const deps = withOneRunning({[TAGS.stopsAt]: '2026-11-23T13:00:00Z'})
      deps.provider.put(sampleInstance({id: 'mem-2', tags: {[TAGS.project]: 'other'}}))
      deps.provider.put(sampleInstance({id: 'mem-3', tags: {}}))
      const error = await expectedFailure(createInstance(createOf(termsOf({day: 15})), deps))
      expect(error.message).to.include('$15.09 of $15.00: $2.01 spent, $1.01 for what is there, $12.07 for this')
      expect(error.stillRunning).to.have.length(1)
    })

    it('say that unknown parts are missing, and refuse nothing for them', async () => {
      const deps = withOneRunning()
      deps.provider.put(sampleInstance({id: 'mem-old', createdAt: '2026-11-01T00:00:00Z', tags: PROJECT}))
      await createInstance(createOf(termsOf({day: 100, month: 10_000})), deps)
      expect(deps.progress.warnings.join('\n')).to.include('the budget of p is reckoned with what is known alone: ')
    })

    it('look at the other platforms too', async () => {
      const other = withOneRunning()
      Object.assign(other.provider, {name: 'else'})
      const error = await expectedFailure(createInstance(createOf(termsOf({day: 20, platforms: () => Promise.resolve([other])})), new FakeDeps(null)))
      expect(error.message).to.include('$26.16 of $20.00')
    })

    /** A platform with two regions, each of which has one machine of the project. */
    function inTwoRegions(failing: readonly string[] = []): FakeDeps {
      const deps = new FakeDeps(null)
      const inRegion = (region: string): FakeDeps['provider'] => {
        const {provider} = new FakeDeps({id: `mem-${region}`, region, createdAt: '2026-11-23T10:00:00Z', tags: PROJECT})
         
        if (failing.includes(region)) provider.describeInstances = async function* () {
          throw new RunctlError('platform_failed', `no right in ${region}`)
        }
        return provider
      }
      Object.assign(deps.provider, {regions: async () => ['here', 'there'], inRegion})
      return deps
    }

    it('look into every region', async () => {
      const error = await expectedFailure(createInstance(createOf(termsOf({day: 40})), inTwoRegions()))
      expect(error.message).to.include('$40.24 of $40.00: $4.02 spent, $24.14 for what is there, $12.07 for this')
    })

    it('say which region could not be asked, and refuse where none could', async () => {
      const deps = inTwoRegions(['there'])
      await createInstance(createOf(termsOf({day: 40})), deps)
      expect(deps.progress.warnings).to.deep.equal(['the budget of p is reckoned with what is known alone: mem in there could not be asked: no right in there'])
      expect((await expectedFailure(createInstance(createOf(termsOf({day: 40})), inTwoRegions(['here', 'there'])))).code).to.equal('platform_failed')
    })

    it('do not count a machine twice that the same create made before it was cut off, and keep its key', async () => {
      const deps = withOneRunning({[TAGS.createRequest]: 'lost'})
      deps.createJournal.cutOff = ['lost']
      await createInstance(createOf(termsOf({day: 20})), deps)
      expect(deps.journal).to.include('createInstance')
      const without = new FakeDeps(null)
      without.createJournal.cutOff = ['lost']
      await expectedFailure(createInstance(createOf(termsOf({day: 10})), without))
      expect(without.createJournal.open).to.equal(1)
    })

    it('refuse where a platform does not tell what there is, unless they are gone over on purpose', async () => {
      const failing = (): FakeDeps => {
        const deps = new FakeDeps(null)
         
        deps.provider.describeInstances = async function* () {
          throw new RunctlError('platform_failed', 'no right to look', {next: ['runctl doctor']})
        }
        return deps
      }
      const error = await expectedFailure(createInstance(createOf(termsOf({day: 100})), failing()))
      expect([error.code, error.next]).to.deep.equal(['platform_failed', ['runctl doctor', 'runctl mem create --over-budget']])
      const deps = failing()
      await createInstance(createOf(termsOf({day: 100, overBy: 'eva'})), deps)
      expect(deps.progress.warnings).to.deep.equal(['what p has cost could not be found out: no right to look'])
      expect(deps.provider.get('mem-new').tags).to.have.property(TAGS.overBudget)
    })
  })

  describe('before a start', () => {
    const stopped = (tags: Readonly<Record<string, string>> = PROJECT): FakeDeps =>
      new FakeDeps({state: 'stopped', createdAt: '2026-11-23T10:00:00Z', stoppedAt: '2026-11-23T11:00:00Z', tags})
    const start = (deps: FakeDeps, budget: BudgetTerms, instanceId = INSTANCE_ID) => startInstance({instanceId, budget, wait: false, timeoutMs: 60_000}, deps)

    it('refuse before any step', async () => {
      const deps = stopped()
      const error = await expectedFailure(start(deps, termsOf({day: 10})))
      expect(error.code).to.equal('over_budget')
      expect([deps.journal, deps.provider.get().state]).to.deep.equal([[], 'stopped'])
    })

    it('record an override before the machine runs', async () => {
      const deps = stopped()
      await start(deps, termsOf({day: 10, overBy: 'eva'}))
      expect(deps.journal.slice(0, 3)).to.deep.equal(['prestart', 'setTags', 'startInstance'])
      expect(deps.provider.get().tags[TAGS.overBudget]).to.equal('eva 2026-11-23T12:00:00.000Z')
    })

    it('start nothing where an override cannot be recorded', async () => {
      const deps = stopped()
      deps.provider.failures.setTags = new RunctlError('platform_failed', 'no right to tag')
      await expectedFailure(start(deps, termsOf({day: 10, overBy: 'eva'})))
      expect(deps.provider.get().state).to.equal('stopped')
    })

    it('ask nothing of what runs already, and of what has no project', async () => {
      const running = new FakeDeps({tags: PROJECT})
      await start(running, termsOf({day: 0}))
      await start(stopped({}), termsOf({day: 0}))
    })

    it('hold several of one command also against each other', async () => {
      const deps = stopped()
      deps.provider.put(sampleInstance({...deps.provider.get(), id: 'mem-2'}))
      const budget = termsOf({day: 20})
      const outcomes = await Promise.allSettled([start(deps, budget), start(deps, budget, 'mem-2')])
      expect(outcomes.map(({status}) => status).sort()).to.deep.equal(['fulfilled', 'rejected'])
    })
  })

  describe('in a plan', () => {
    const planning = (): FakeDeps => {
      const deps = new FakeDeps(null)
      Object.assign(deps.provider, {planCreate: async () => ({settings: {}, usdPerHour: 1})})
      return deps
    }

    it('say how it would stand, and refuse nothing', async () => {
      const {budget} = await planCreate(createOf(termsOf({day: 10, month: 1000})), 1, planning())
      expect(budget.map(({asked_usd, period, verdict}) => ({asked_usd, period, verdict}))).to.deep.equal([
        {asked_usd: 12, period: 'day', verdict: 'over'},
        {asked_usd: 180, period: 'month', verdict: 'fits'},
      ])
    })

    it('are empty where none is set', async () => {
      expect((await planCreate(createOf(undefined), 1, planning())).budget).to.deep.equal([])
    })
  })
})
