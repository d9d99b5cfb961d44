import {expect} from 'chai'

import type {TrainJson} from '../../src/cli/verbs/train.js'
import {PLATFORM, ABSENT, Bench, type Outcome} from './support/bench.js'

const SCRIPT = 'training/train_with_checkpoints.py'
const ESCAPE = '\u001B'

describe('what is printed, and where', () => {
  let bench: Bench
  let id: string
  let run: string

  before(async () => {
    bench = await Bench.create()
    id = await bench.instance()
    run = (await bench.json<TrainJson>([PLATFORM, 'train', id, SCRIPT, '--wait', '--', '--epochs', '2', '--step-seconds', '0'])).run.run_id
  })
  after(() => bench.destroy())

  const views = (): readonly (readonly string[])[] => [
    ['status'], ['resources', 'list'], [PLATFORM, 'status'], [PLATFORM, 'status', id], [PLATFORM, 'monitor', id], [PLATFORM, 'processes', id],
    ['run', 'list'], ['run', 'show', run], ['checkpoint', 'list', '--instance-id', id], ['checkpoint', 'info', 'checkpoints/checkpoint_epoch_1.json', '--run', run],
  ]
  const all = (flags: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<readonly Outcome[]> =>
    Promise.all(views().map(argv => bench.ok([...argv, ...flags], {env})))

  it('--output text is tab-separated lines with ids and plain figures, and says the same as the table', async () => {
    for (const [at, {stdout}] of (await all(['--output', 'text'])).entries()) {
      const argv = views()[at] ?? []
      // A monitor begins with the log, which is the script's own text.
      if (argv[1] !== 'monitor') expect(stdout, argv.join(' ')).to.match(/^(([^\t\n]+(\t[^\t\n]*)+)?\n)+$/)
    }
    const rows = (await bench.ok(['resources', 'list', '--output', 'text'])).stdout.trimEnd().split('\n')
    expect(rows.map(row => row.split('\t')[0])).to.deep.equal([id])
    const sizes = (await bench.ok(['checkpoint', 'list', '--run', run, '--output', 'text'])).stdout.trimEnd().split('\n').map(row => row.split('\t')[4])
    for (const size of sizes) expect(size).to.match(/^\d+$/)
    expect((await bench.ok([PLATFORM, 'create', '--output', 'text'])).stdout).to.match(PLATFORM === 'ssh' ? /^m[0-9]-[a-z0-9]+\n$/ : /^local-[0-9a-f]+\n$/)
  })

  it('a narrow terminal gets lines that fit; only what must stay whole is longer', async () => {
    for (const [at, {stdout}] of (await all([], {COLUMNS: '80'})).entries()) {
      // Commands, paths and ids are never cut where they are facts about one thing; tables are.
      const argv = views()[at] ?? []
      const isTable = argv.length === 1 || ['list', 'processes'].includes(argv[1] ?? '')
      const tooLong = stdout.split('\n').filter(line => [...line].length > 80 && (isTable || !line.includes('  ')))
      expect(tooLong, argv.join(' ')).to.deep.equal([])
    }
  })

  it('no escape goes into a pipe, with or without NO_COLOR; FORCE_COLOR asks for colours, and NO_COLOR wins', async () => {
    for (const env of [{}, {NO_COLOR: '1'}, {NO_COLOR: '1', FORCE_COLOR: '1'}, {TERM: 'dumb'}]) {
      const {stderr, stdout} = await bench.ok([PLATFORM, 'status', id], {env})
      expect(stdout + stderr, JSON.stringify(env)).not.to.contain(ESCAPE)
    }
    expect((await bench.ok([PLATFORM, 'status', id], {env: {FORCE_COLOR: '1'}})).stdout).to.contain(ESCAPE)
  })

  it('errors are on stderr alone, and under --json on stdout alone', async () => {
    const plain = await bench.run([PLATFORM, 'status', ABSENT])
    expect(plain).to.deep.include({code: 3, stdout: ''})
    expect(plain.stderr).to.match(new RegExp(`^Error: there is no (instance|machine) "?${ABSENT}`)).and.to.match(/^Next: runctl resources list/m)
    const json = await bench.run([PLATFORM, 'status', ABSENT, '--output', 'json'])
    expect(json).to.deep.include({code: 3, stderr: ''})
    expect(JSON.parse(json.stdout)).to.have.nested.property('error.code', 'not_found')
  })

  it('the parser\'s own errors are JSON too, and --json after -- belongs to the script', async () => {
    expect((await bench.jsonError([PLATFORM, 'train', id])).error).to.deep.include({code: 'bad_input', exit_code: 2})
    expect((await bench.jsonError([PLATFORM, 'monitor', id, 'superfluous'])).error.code).to.equal('bad_input')
    expect((await bench.jsonError(['run', 'list', '--limit', 'many'])).error.code).to.equal('bad_input')
    const outcome = await bench.run([PLATFORM, 'exec', id, '--', 'echo', '--json'])
    expect(outcome.stdout).to.equal('--json\n')
  })

  it('names from outside never reach the terminal as control characters', async () => {
    await bench.write('esc\u001B[31m.py', 'print("done")\n')
    const {run: odd} = await bench.json<TrainJson>([PLATFORM, 'train', id, 'esc\u001B[31m.py', '--wait', '--name', 'a\u0007b', '--', '\u001B[2J'])
    for (const argv of [['run', 'list'], ['run', 'show', odd.run_id], [PLATFORM, 'monitor', id]]) {
      expect((await bench.ok(argv)).stdout, argv.join(' ')).not.to.match(/[\u0000-\u0008\u000B-\u001F\u007F]/)
    }
  })
})
