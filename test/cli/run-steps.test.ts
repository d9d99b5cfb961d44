import {mock} from 'node:test'
import {expect} from 'chai'

import {collectPlatforms, createLifecycle} from '../../src/cli/run-steps.js'
import type {LifecycleEvent, StepContext} from '../../src/hooks/events.js'
import {RunctlError} from '../../src/model/errors.js'
import {HookHost} from '../support/hook-host.js'
import {MemoryProvider, sampleInstance} from '../support/memory-provider.js'
import {NOTHING_TO_SAVE} from '../support/recorded-lifecycle.js'
import {RecordedProgress} from '../support/recorded-progress.js'
import {expectedFailure, rejection} from '../support/rejection.js'

const instance = sampleInstance()
const SAVE = {instance, graceSeconds: 120, force: false, requestId: 'req-1'}

function lifecycleOf(plugins: ConstructorParameters<typeof HookHost>[0], host = new HookHost(plugins)) {
  const progress = new RecordedProgress()
  const interrupt = new AbortController()
  const failures: {event: LifecycleEvent; plugin: string}[] = []
  const provider = new MemoryProvider()
  const lifecycle = createLifecycle({
    config: host, provider, progress, signal: interrupt.signal,
    reportFailure: (event, {plugin}) => failures.push({event, plugin}),
  })
  return {failures, host, interrupt, lifecycle, progress, provider}
}

const throws = (error: unknown) => () => {
  throw error
}
const named = (why: string) => ({...NOTHING_TO_SAVE, why})
const turns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await Promise.resolve()
}

describe('createLifecycle', () => {
  it('gives the results sorted by plugin, its own first, whatever finished first', async () => {
    const {lifecycle} = lifecycleOf({
      zeta: {'prestop-checkpoint': () => named('z')},
      alpha: {'prestop-checkpoint': async () => turns(20).then(() => named('a'))},
      beta: {'prestop-checkpoint': [() => named('b1'), () => named('b2')]},
      runctl: {'prestop-checkpoint': () => named('own')},
    })
    const results = await lifecycle.run('prestop-checkpoint', SAVE)
    expect(results.map(({why}) => why)).to.deep.equal(['own', 'a', 'b1', 'b2', 'z'])
  })

  it('gives a step the platform, the provider, the input, a signal and a way to say something', async () => {
    let seen: (StepContext & {instance: unknown}) | undefined
    const {lifecycle, progress, provider} = lifecycleOf({a: {prestop: options => {
      seen = options as unknown as typeof seen
      seen?.note('hello')
    }}})
    await lifecycle.run('prestop', {instance})
    expect(seen).to.include({platform: 'mem', provider}).and.to.deep.include({instance})
    expect(seen?.signal.aborted).to.equal(false)
    expect(progress.notes).to.deep.equal(['hello'])
  })

  it('asks oclif to capture errors: it hides them otherwise', async () => {
    const {host, lifecycle} = lifecycleOf({a: {prestop: () => undefined}})
    await lifecycle.run('prestop', {instance})
    expect(host.calls).to.deep.equal([{event: 'prestop', captureErrors: true}])
  })

  it('rejects with step_failed and the name of the plugin where a step of a veto event throws', async () => {
    const {failures, lifecycle} = lifecycleOf({good: {prestop: () => undefined}, bad: {prestop: throws(new TypeError('oops'))}})
    const error = await expectedFailure(lifecycle.run('prestop', {instance}))
    expect(error.code).to.equal('step_failed')
    expect(error.message).to.equal('step of bad at prestop: oops')
    expect(error.details).to.deep.equal({event: 'prestop', plugin: 'bad'})
    expect(failures).to.deep.equal([])
  })

  it('keeps the code, details and next commands of an expected failure', async () => {
    const own = new RunctlError('unreachable', 'no answer', {next: ['runctl wait'], details: {x: 1}})
    const {lifecycle} = lifecycleOf({runctl: {'prestop-checkpoint': throws(own)}})
    const error = await expectedFailure(lifecycle.run('prestop-checkpoint', SAVE))
    expect(error).to.deep.include({code: 'unreachable', next: ['runctl wait'], details: {x: 1, event: 'prestop-checkpoint', plugin: 'runctl'}})
  })

  it('shows and counts a throw in a report event, and goes on', async () => {
    const {failures, lifecycle, progress} = lifecycleOf({b: {poststop: throws('text')}, a: {poststop: throws(new Error('oops'))}})
    await lifecycle.run('poststop', {instance, saved: null})
    expect(progress.warnings).to.deep.equal(['step of a at poststop: oops', 'step of b at poststop: text'])
    expect(failures).to.deep.equal([{event: 'poststop', plugin: 'a'}, {event: 'poststop', plugin: 'b'}])
  })

  it('shows, counts and goes on in a veto event under force, with the results of the others', async () => {
    const {failures, lifecycle, progress} = lifecycleOf({bad: {'prestop-checkpoint': throws(new Error('oops'))}, good: {'prestop-checkpoint': () => named('g')}})
    const results = await lifecycle.run('prestop-checkpoint', SAVE, {force: true})
    expect(results).to.deep.equal([named('g')])
    expect(progress.warnings).to.deep.equal(['step of bad at prestop-checkpoint: oops'])
    expect(failures).to.have.length(1)
  })

  it('runs its own steps to their end before those of plugins, and none of these where one of its own refuses', async () => {
    const seen: string[] = []
    const step = (name: string) => async () => {
      await turns(name === 'own' ? 20 : 0)
      seen.push(name)
    }
    const {lifecycle} = lifecycleOf({added: {prestop: step('added')}, runctl: {prestop: step('own')}})
    await lifecycle.run('prestop', {instance})
    expect(seen).to.deep.equal(['own', 'added'])
    const refusing = lifecycleOf({added: {prestop: step('never')}, runctl: {prestop: throws(new Error('no'))}}).lifecycle
    expect((await expectedFailure(refusing.run('prestop', {instance}))).details['plugin']).to.equal('runctl')
    expect(seen).to.deep.equal(['own', 'added'])
  })

  it('leaves the steps of plugins out where that is wanted, and names the way to it where one of them refuses', async () => {
    const host = new HookHost({added: {prestop: throws(new Error('never'))}, runctl: {prestop: () => undefined}})
    const make = (more: object) => createLifecycle({config: host, provider: new MemoryProvider(), progress: new RecordedProgress(), signal: new AbortController().signal, reportFailure: () => {}, ...more})
    await make({pluginSteps: false}).run('prestop', {instance})
    const error = await expectedFailure(make({withoutPluginSteps: 'runctl local stop x --no-plugin-steps'}).run('prestop', {instance}))
    expect(error.next).to.deep.equal(['runctl local stop x --no-plugin-steps'])
  })

  it('takes no answer for leave to stop that does not say so', async () => {
    for (const answer of [undefined, null, true, {}, {ok: 'yes', why: null, reports: [], only_here: []}, {ok: true}]) {
      const {lifecycle} = lifecycleOf({odd: {'prestop-checkpoint': () => answer}})
      expect((await expectedFailure(lifecycle.run('prestop-checkpoint', SAVE))).message).to.match(/^step of odd at prestop-checkpoint: it did not say whether/)
    }
  })

  it('hands out what no step can change for the others', async () => {
    const seen: unknown[] = []
    const {lifecycle} = lifecycleOf({bad: {poststop: [options => {
      try {
        (options['instance'] as {id: string}).id = 'another'
      } catch {
        // As strict code finds it.
      }
    }, options => void seen.push((options['instance'] as {id: string}).id)]}})
    await lifecycle.run('poststop', {instance, saved: null})
    expect([...seen, instance.id]).to.deep.equal(['mem-1', 'mem-1'])
  })

  it('keeps standard output and the process for the command', async () => {
    const {lifecycle, progress} = lifecycleOf({bad: {poststop: async () => {
      await turns(1)
      process.exit(0)
    }}})
    await lifecycle.run('poststop', {instance, saved: null})
    expect(progress.warnings).to.deep.equal(['step of bad at poststop: it called process.exit, which would end the command'])
  })

  it('hears no more of a step that was given up', async () => {
    let note: ((message: string) => void) | undefined
    const {lifecycle, progress} = lifecycleOf({late: {poststop: options => {
      note = (options as unknown as StepContext).note
    }}})
    await lifecycle.run('poststop', {instance, saved: null})
    note?.('too late')
    expect(progress.notes).to.deep.equal([])
  })

  it('lets an aborted host signal win over results and failures', async () => {
    const reason = new Error('detached')
    const {interrupt, lifecycle, progress} = lifecycleOf({a: {poststop: () => {
      interrupt.abort(reason)
      throw new Error('oops')
    }}})
    expect(await rejection(lifecycle.run('poststop', {instance, saved: null}))).to.equal(reason)
    expect(progress.warnings).to.deep.equal([])
  })

  describe('with a step that hangs', () => {
    beforeEach(() => mock.timers.enable({apis: ['setTimeout']}))
    afterEach(() => mock.timers.reset())

    it('ends at the deadline, naming its plugin, with its signal aborted', async () => {
      let signal: AbortSignal | undefined
      const {lifecycle} = lifecycleOf({deaf: {prestop: options => {
        signal = options['signal'] as AbortSignal
        return new Promise(() => {})
      }}})
      const failed = expectedFailure(lifecycle.run('prestop', {instance}))
      await turns(5)
      mock.timers.tick(59_999)
      expect(signal?.aborted).to.equal(false)
      mock.timers.tick(1)
      expect(signal?.reason).to.include({code: 'step_failed', message: 'a step of prestop did not finish within 60 s'})
      mock.timers.tick(250)
      const error = await failed
      expect(error.code).to.equal('step_failed')
      expect(error.details['plugin']).to.equal('deaf')
    })

    it('adds the grace to the time of the save', async () => {
      let signal: AbortSignal | undefined
      const {lifecycle} = lifecycleOf({deaf: {'prestop-checkpoint': options => {
        signal = options['signal'] as AbortSignal
        return new Promise(() => {})
      }}})
      const failed = expectedFailure(lifecycle.run('prestop-checkpoint', SAVE))
      await turns(5)
      mock.timers.tick(239_999)
      expect(signal?.aborted).to.equal(false)
      mock.timers.tick(251)
      expect((await failed).code).to.equal('step_failed')
    })

    it('ends even where oclif never answers', async () => {
      const lifecycle = createLifecycle({
        config: {name: 'runctl', plugins: new HookHost({deaf: {prestop: () => undefined}}).plugins, runHook: () => new Promise(() => {})},
        provider: new MemoryProvider(), progress: new RecordedProgress(), signal: new AbortController().signal, reportFailure: () => {},
      })
      const failed = expectedFailure(lifecycle.run('prestop', {instance}))
      mock.timers.tick(60_000)
      mock.timers.tick(1000)
      expect((await failed).message).to.equal('step of unknown at prestop: a step of prestop did not finish within 60 s')
    })

    it('does not wait for it to its deadline after Ctrl-C', async () => {
      const {interrupt, lifecycle} = lifecycleOf({deaf: {prestop: () => new Promise(() => {})}})
      const failed = rejection(lifecycle.run('prestop', {instance}))
      await turns(5)
      interrupt.abort(new Error('detached'))
      mock.timers.tick(1000)
      expect((await failed as Error).message).to.equal('detached')
    })
  })

  it('holds the process alive until a hanging step is over, and no longer', async () => {
    const {clearTimeout: realClear, setTimeout: realSet} = globalThis
    const holding = new Set<NodeJS.Timeout>()
    let finish: () => void = () => {}
    // oclif's own timer holds nothing, so that one is left out.
    const {plugins} = new HookHost({slow: {poststop: () => undefined}})
    const host = {name: 'runctl', plugins, runHook: () => new Promise(resolve => (finish = () => resolve({failures: [], successes: []})))}
    const {lifecycle} = lifecycleOf({}, host as unknown as HookHost)
    try {
      globalThis.setTimeout = ((...args: Parameters<typeof setTimeout>) => {
        const timer = realSet(...args)
        if (timer.hasRef()) holding.add(timer)
        return timer
      }) as typeof setTimeout
      globalThis.clearTimeout = timer => {
        holding.delete(timer as NodeJS.Timeout)
        realClear(timer)
      }
      const running = lifecycle.run('poststop', {instance, saved: null})
      expect(holding.size).to.be.greaterThan(0)
      finish()
      await running
      expect(holding.size).to.equal(0)
    } finally {
      Object.assign(globalThis, {clearTimeout: realClear, setTimeout: realSet})
    }
  })
})

describe('collectPlatforms', () => {
  const platform = (name: string, description = '') => ({name, description, apiVersion: 1, ownsInstanceId: () => false, create: async () => new MemoryProvider()})

  it('gives the platforms of all plugins sorted by name, the built-in one first where two have one name', async () => {
    const {failures, platforms} = await collectPlatforms(new HookHost({
      aaa: {platforms: () => [platform('local', 'theirs')]},
      runctl: {platforms: [() => [platform('local', 'ours')], () => [platform('aws')]]},
    }))
    expect(platforms.map(({item}) => `${item.name} ${item.description}`)).to.deep.equal(['aws ', 'local ours', 'local theirs'])
    expect(failures).to.deep.equal([])
  })

  it('gives back which plugins failed or answered nonsense, and the platforms of the others', async () => {
    for (const nonsense of [undefined, null, 'local', [undefined], [{name: 'x'}], {name: 'x'}]) {
      const {failures, platforms} = await collectPlatforms(new HookHost({
        bad: {platforms: throws(new Error('oops'))},
        good: {platforms: () => [platform('good')]},
        odd: {platforms: () => nonsense},
      }))
      expect(platforms.map(({item}) => item.name)).to.deep.equal(['good'])
      expect(failures.map(({plugin}) => plugin)).to.deep.equal(['bad', 'odd'])
    }
  })

  it('names a plugin that hangs and keeps what the others have answered', async () => {
    mock.timers.enable({apis: ['setTimeout']})
    try {
      const collected = collectPlatforms(new HookHost({deaf: {platforms: () => new Promise(() => {})}, good: {platforms: () => [platform('good')]}}))
      await turns(5)
      mock.timers.tick(5250)
      const {failures, platforms} = await collected
      expect(platforms.map(({item}) => item.name)).to.deep.equal(['good'])
      expect(failures.map(({plugin}) => plugin)).to.deep.equal(['deaf'])
    } finally {
      mock.timers.reset()
    }
  })
})
