import {mkdtemp, readdir, readFile, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import path from 'node:path'
import {expect} from 'chai'

import {withDefaultValue} from '../../src/cli/optional-value.js'
import {watch, type WatchOptions} from '../../src/cli/watch.js'
import ResourcesList from '../../src/commands/resources/list.js'
import {RunctlError} from '../../src/model/errors.js'
import {TAGS} from '../../src/model/instance.js'
import type {InstanceQuery, Provider} from '../../src/providers/provider.js'
import {ScreenBlock} from '../../src/ui/screen-block.js'
import {CommandHost, definitionOf, type CommandOutcome} from '../support/command-host.js'
import {HandClock} from '../support/hand-clock.js'
import {MemoryProvider, sampleInstance} from '../support/memory-provider.js'
import {rejection} from '../support/rejection.js'

const REFUSED = new RunctlError('platform_failed', 'not allowed here', {next: ['cloud allow']})

/** `count` instances; behind them, where it is wanted, a failure. */
function many(count: number, failure?: Error): MemoryProvider & {readonly queries: InstanceQuery[]} {
  const provider = Object.assign(new MemoryProvider([], null), {queries: [] as InstanceQuery[]})
  provider.describeInstances = async function* (query) {
    provider.queries.push(query)
    for (let index = 0; index < count; index++) yield sampleInstance({id: `mem-${index}`, name: `n "${index}"`, tags: {[TAGS.owner]: 'ada'}})
    if (failure) throw failure
  }
  return provider
}

describe('resources list', () => {
  let host: CommandHost
  let provider: Provider
  let folder: string
  before(async () => {
    host = await CommandHost.create(() => [definitionOf('mem', async () => provider)])
    folder = await mkdtemp(path.join(tmpdir(), 'runctl-list-'))
  })
  after(async () => {
    await host.remove()
    await rm(folder, {recursive: true})
  })
  const list = (...argv: readonly string[]): Promise<CommandOutcome> => host.run(Object.assign(ResourcesList, {id: 'resources:list'}), argv)

  it('prints JSON element by element, to the letter what it is as a whole', async () => {
    for (const count of [0, 1, 450]) {
      provider = many(count)
      const {stdout} = await list('--json')
      const rows = JSON.parse(stdout) as readonly {readonly id: string}[]
      expect(rows).to.have.length(count)
      expect(stdout).to.equal(`${JSON.stringify(rows, null, 2)}\n`)
    }
  })

  it('answers with the document of an error where nothing was printed yet', async () => {
    provider = many(0, REFUSED)
    const {code, stdout} = await list('--platform', 'mem', '--json')
    expect(code).to.equal(6)
    expect(JSON.parse(stdout)).to.have.nested.property('error.message', 'not allowed here')
  })

  it('leaves the array without its end where it fails later, and tells why on standard error: nobody takes a part for the whole', async () => {
    provider = many(450, REFUSED)
    const {code, stderr, stdout} = await list('--platform', 'mem', '--json')
    expect([code, stderr]).to.deep.equal([6, 'Error: not allowed here\nNext: cloud allow\n'])
    expect(stdout).to.match(/^\[\n/)
    expect(() => JSON.parse(stdout) as unknown).to.throw(SyntaxError)
  })

  it('hands whose and which to the platform', async () => {
    const asked = many(1)
    provider = asked
    await list('--project', 'mnist', '--owner', 'ada', '--tag', 'a=b=c', '--filter', 'x=1', '--filter', 'x=2', '--state', 'stopped')
    expect(asked.queries).to.deep.equal([{states: ['stopped'], tags: {a: 'b=c', [TAGS.project]: 'mnist', [TAGS.owner]: 'ada'}, filters: {x: ['1', '2']}}])
  })

  it('refuses what cannot be meant', async () => {
    provider = many(1)
    for (const argv of [['--tag', 'a'], ['--tag', 'a=1', '--tag', 'a=2'], ['--filter', '=x'], ['--kind', 'volume', '--state', 'running'], ['--export', 'csv', '--json'], ['--output-file', 'x'], ['--watch', '10ms'], ['--limit', '0'], ['--owner', 'x', '--mine'], ['--export', 'csv', '--watch']]) {
      expect((await list(...argv)).code, argv.join(' ')).to.equal(2)
    }
  })

  it('looks into every region at once; one that refuses is a warning with its name', async () => {
    const inRegion = (region: string): Provider => (region === 'south' ? many(0, REFUSED) : Object.assign(new MemoryProvider([], sampleInstance({id: `mem-${region}`, region})), {}))
    provider = Object.assign(many(0), {regions: async () => ['north', 'south', 'west'], inRegion})
    for (const argv of [['--all-regions', '--json'], ['--all-regions', '--platform', 'mem', '--json']]) {
      const {code, stderr, stdout} = await list(...argv)
      expect(code).to.equal(undefined)
      expect(stderr).to.equal('Warning: mem in south is left out: not allowed here; try: cloud allow\n')
      expect((JSON.parse(stdout) as readonly {id: string}[]).map(({id}) => id)).to.deep.equal(['mem-north', 'mem-west'])
    }
  })

  it('takes --sort -cost as well as --sort=-cost', async () => {
    provider = many(3)
    for (const argv of [['--sort', '-name'], ['--sort=-name']]) {
      expect((JSON.parse((await list(...argv, '--json')).stdout) as readonly {id: string}[]).map(({id}) => id)).to.deep.equal(['mem-2', 'mem-1', 'mem-0'])
    }
  })

  it('exports to standard output, or into a file beside the usual result', async () => {
    provider = many(450)
    expect((await list('--export', 'csv')).stdout.split('\r\n')).to.have.length(452)
    const file = path.join(folder, 'all.html')
    const {stdout} = await list('--export', 'html', '--output-file', file, '--json')
    expect(JSON.parse(stdout)).to.have.length(450)
    expect(await readFile(file, 'utf8')).to.match(/<\/html>\n$/)
    expect(await readdir(folder)).to.deep.equal(['all.html'])
  })

  it('leaves no half of a file', async () => {
    provider = many(450, REFUSED)
    const file = path.join(folder, 'half.csv')
    expect((await list('--platform', 'mem', '--export', 'csv', '--output-file', file)).code).to.equal(6)
    expect(await readdir(folder)).not.to.include('half.csv')
    const {code, stderr} = await list('--export', 'csv', '--output-file', path.join(folder, 'no', 'where.csv'))
    expect(code).to.equal(2)
    expect(stderr).to.contain('cannot be written')
  })

  it('watches until Ctrl-C, which is no failure; under --json a line for each look', async () => {
    const ending = (): MemoryProvider => {
      const watched = many(2)
      const {describeInstances} = watched
      watched.describeInstances = async function* (...asked) {
        yield* describeInstances(...asked)
        // Told before the pause that would end only with it.
        setImmediate(() => process.emit('SIGINT'))
      }
      return watched
    }
    provider = ending()
    const json = await list('--watch', '--json', '--no-ask')
    expect(json.code).to.equal(undefined)
    expect(json.stdout.trimEnd().split('\n').map(line => (JSON.parse(line) as readonly unknown[]).length)).to.deep.equal([2])
    provider = ending()
    const table = await list('--watch', '1h', '--no-ask')
    expect(table.code).to.equal(undefined)
    expect(table.stdout).to.match(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC, every 1h until Ctrl-C\n\nID /)
  })
})

describe('a watch', () => {
  const scene = (over: Partial<WatchOptions> = {}) => {
    const clock = new HandClock()
    const interrupt = new AbortController()
    const written: string[] = []
    const told: string[] = []
    const deps = {clock, signal: interrupt.signal, write: async (text: string) => void written.push(text), tell: ({message}: RunctlError) => void told.push(message)}
    return {clock, interrupt, written, told, deps, options: {everyMs: 5000, screenRows: () => null, bare: false, ...over}}
  }

  it('looks again after each pause, a block below the other, until it is ended', async () => {
    const {clock, deps, interrupt, options, written} = scene()
    clock.onSleep = () => {
      if (clock.slept.length === 3) interrupt.abort()
    }
    await watch(async write => write('rows\n'), options, deps)
    expect(clock.slept).to.deep.equal([5000, 5000, 5000])
    expect(written).to.deep.equal(['2026-11-23 12:00:00', '\n2026-11-23 12:00:05', '\n2026-11-23 12:00:10'].map(at => `${at} UTC, every 5s until Ctrl-C\n\nrows\n`))
  })

  it('draws over what a terminal shows, in one write, without clearing it again', async () => {
    const {clock, deps, interrupt, options, written} = scene({screenRows: () => 24})
    clock.onSleep = () => {
      if (clock.slept.length === 2) interrupt.abort()
    }
    await watch(async write => {
      await write('one\n')
      await write('two\n')
    }, options, deps)
    expect(written).to.have.length(2)
    expect(written[0]).to.match(/^\x1b\[2J/)
    expect(written[1]).to.match(/^\x1b\[\?7l\x1b\[H.*one\x1b\[K\ntwo\x1b\[K\n\x1b\[J\x1b\[\?7h$/s)
  })

  it('goes on where a later look fails, and not where the first does', async () => {
    const {clock, deps, interrupt, options, told} = scene()
    clock.onSleep = () => {
      if (clock.slept.length === 3) interrupt.abort()
    }
    let looks = 0
    await watch(async () => {
      if (++looks === 2) throw REFUSED
    }, options, deps)
    expect([looks, told]).to.deep.equal([3, ['not allowed here']])
    expect(await rejection(watch(() => Promise.reject(REFUSED), options, scene().deps))).to.equal(REFUSED)
  })

  it('keeps the sums below a list that is longer than the terminal', () => {
    const block = new ScreenBlock(20)
    for (let line = 0; line < 500; line++) block.push(`row ${line}\n`)
    block.push('\nsum\n')
    const lines = block.render().split('\n').map(line => line.replaceAll(/\x1b\[[?\d]*\w/g, ''))
    expect(lines).to.have.length(20)
    expect(lines.slice(13)).to.deep.equal(['row 13', '… 484 more lines: --limit shows fewer', 'row 498', 'row 499', '', 'sum', ''])
  })
})

describe('a flag that may stand without its value', () => {
  it('gets one where none follows, and only there', () => {
    const given = (...argv: readonly string[]): readonly string[] => withDefaultValue(argv, '--watch', '5s', /^\d/)
    expect(given('--watch')).to.deep.equal(['--watch=5s'])
    expect(given('--watch', '--json')).to.deep.equal(['--watch=5s', '--json'])
    expect(given('--watch', '10s')).to.deep.equal(['--watch', '10s'])
    expect(given('--watch=10s')).to.deep.equal(['--watch=10s'])
    expect(given('--', '--watch')).to.deep.equal(['--', '--watch'])
  })
})
