import {readdir} from 'node:fs/promises'
import path from 'node:path'
import {expect} from 'chai'

import type {RehearsalReport} from '../../src/core/rehearse/rehearsal-report.js'
import type {ResourceRow} from '../../src/core/list-resources.js'
import {Bench, collect, until} from './support/bench.js'
import {NEVER_SAVES} from './support/rehearsed-scripts.js'

const SAMPLE = 'training/train_with_checkpoints.py'
/** What needs no store. */
const KINDS = 'term,kill,write,instance'

describe('checkpoint rehearse', () => {
  let bench: Bench

  before(async () => {
    bench = await Bench.create({'never_saves.py': NEVER_SAVES, 'fails.py': 'import sys\nprint("step 1")\nsys.exit(3)\n'})
  })
  after(() => bench.destroy())

  async function rehearse(script: string, flags: readonly string[], args: readonly string[] = []): Promise<RehearsalReport & {readonly code: number | null}> {
    const argv = ['checkpoint', 'rehearse', script, '--json', '--grace', '2s', ...flags, '--', ...args]
    const outcome = await bench.run(argv, {timeoutMs: 180_000})
    const report = bench.document<RehearsalReport>(outcome, argv)
    expect(outcome.code, outcome.stderr).to.equal(report.verdict === 'PASS' ? 0 : 12)
    return {...report, code: outcome.code}
  }
  const codes = ({problems}: RehearsalReport): readonly string[] => problems.map(({code}) => code)
  const rows = (): Promise<readonly ResourceRow[]> => bench.json<readonly ResourceRow[]>(['resources', 'list', '--platform', 'local'])
  const left = async (): Promise<readonly string[]> => (await rows()).filter(({state}) => state !== 'terminated').map(({id}) => id)

  it('passes the sample, to the byte, through a kill of each kind, and leaves nothing behind', async () => {
    const before = await readdir(bench.project, {recursive: true})
    const report = await rehearse(SAMPLE, ['--kinds', KINDS, '--kills', '4', '--seed', '7', '--exact'], ['--epochs', '4'])
    expect([report.verdict, report.exact, codes(report)]).to.deep.equal(['PASS', true, []])
    expect(report.reference).to.deep.include({last_step: 80, last_epoch: 4, checkpoint_count: 4, steps_logged: 4})
    expect(report.kills.map(({kind}) => kind).toSorted()).to.deep.equal(['instance', 'kill', 'term', 'write'])
    for (const kill of report.kills.filter(({round}) => round !== null)) expect(kill).to.deep.include({unit: 'step', skipped: 0})
    expect(report.kills.find(({kind}) => kind === 'term')?.did ?? 'asked to stop').to.match(/^asked to stop/)
    expect(await left()).to.deep.equal([])
    expect(await readdir(bench.project, {recursive: true})).to.deep.equal(before)
  })

  it('does not begin with one that fails by itself, or saves nothing', async () => {
    const failing = await rehearse('fails.py', [])
    expect([failing.problems[0]!.code, failing.problems[0]!.message, failing.kills]).to.deep.equal(['script_fails', 'without any interruption the script failed (exit 3)', []])
    expect(codes(await rehearse('never_saves.py', []))).to.deep.equal(['no_checkpoints'])
  })

  it('ends in time with a verdict', async () => {
    const report = await rehearse(SAMPLE, ['--kinds', 'kill', '--timeout', '8s'], ['--epochs', '1000'])
    expect(codes(report)).to.deep.equal(['unfinished'])
    expect(await left()).to.deep.equal([])
  })

  it('keeps its instances if that is wanted', async () => {
    const report = await rehearse(SAMPLE, ['--kinds', 'kill', '--kills', '1', '--keep'], ['--epochs', '2'])
    expect(report.instances_kept).to.have.length.greaterThan(1)
    expect(await left()).to.have.members(report.instances_kept as string[])
    expect((await rows()).filter(({id}) => report.instances_kept.includes(id)).map(({name}) => name)).to.satisfy((names: readonly string[]) => names.every(name => name === 'rehearsal'))
    for (const id of report.instances_kept) await bench.ok(['local', 'terminate', id, '--force', '--grace', '1s'])
  })

  it('leaves nothing behind after Ctrl-C', async () => {
    const cli = bench.spawn(['checkpoint', 'rehearse', SAMPLE, '--kinds', 'kill', '--', '--epochs', '1000'])
    const ended = collect(cli, 60_000)
    await until(async () => (await left()).length > 0, 30_000, 'the instance of the reference is there')
    const [id = ''] = await left()
    await until(async () => (await readdir(path.join(bench.home(id), '.runctl', 'runs')).catch(() => [])).length > 0, 30_000, 'the run is there')
    cli.kill('SIGINT')
    expect((await ended).code).to.equal(130)
    expect(await left()).to.deep.equal([])
  })

  it('refuses what it could not do before it makes anything', async () => {
    expect(await bench.jsonError(['checkpoint', 'rehearse', SAMPLE, '--kinds', 'kil'])).to.deep.include({code: 2})
    expect(await bench.jsonError(['checkpoint', 'rehearse', SAMPLE, '--data', 's3://bucket/data'])).to.deep.include({code: 2})
    expect(await bench.jsonError(['checkpoint', 'rehearse', 'none.py'])).to.deep.include({code: 3})
    expect(await left()).to.deep.equal([])
  })
})
