import {mkdir, readdir, readFile} from 'node:fs/promises'
import path from 'node:path'
import {expect} from 'chai'

import {PLATFORM, Bench, until} from './support/bench.js'
import {schemaName} from './support/json-schema.js'
import {REPOSITORY} from './support/repository.js'

const SCRIPT = 'training/train_with_checkpoints.py'
const FAST = ['--', '--epochs', '1', '--step-seconds', '0']

/**
 * Each command once, in an order in which each has something to say. `bench.json` holds every answer against the schema of its command. A command that is
 * not here must be called with `--json` by a test of its own.
 */
const COMMANDS: readonly ((ids: {readonly instance: string; readonly run: string; readonly active: string}) => readonly string[])[] = [
  () => ['init', '--force'],
  () => ['config', 'show'],
  () => ['config', 'set', 'stop.grace', '20s'],
  () => ['config', 'set', 'output.format', 'table', '--user'],
  () => ['config', 'get', 'stop.grace'],
  () => ['config', 'validate'],
  () => ['doctor', '--platform', PLATFORM],
  () => ['dev', 'plugin', `made-${process.pid}`],
  () => ['doctor'],
  ({instance}) => ['doctor', instance],
  () => [PLATFORM, 'create', '--wait'],
  () => [PLATFORM, 'create', '--count', '2'],
  () => [PLATFORM, SCRIPT, ...FAST],
  () => ['workflow', 'run', PLATFORM, SCRIPT, ...FAST],
  ({instance}) => ['workflow', 'train', instance, SCRIPT, '--project-name', 'alias', ...FAST],
  ({instance}) => [PLATFORM, 'train', instance, SCRIPT, '--wait', '--project-name', 'further', ...FAST],
  ({instance}) => [PLATFORM, 'monitor', instance],
  ({instance}) => [PLATFORM, 'processes', instance],
  ({instance}) => [PLATFORM, 'exec', instance, '--', 'true'],
  ({instance}) => [PLATFORM, 'push', instance, SCRIPT],
  ({instance}) => [PLATFORM, 'pull', instance, '--checkpoints'],
  ({instance}) => [PLATFORM, 'wait', instance],
  ({instance}) => [PLATFORM, 'extend', instance, '--hours', '8'],
  ({instance}) => [PLATFORM, 'status', instance],
  () => [PLATFORM, 'status'],
  () => ['status'],
  () => ['resources', 'list'],
  () => ['resources', 'list', '--sort=-age', '--limit', '2', '--kind', 'all'],
  () => ['resources', 'summary'],
  () => ['resources', 'insights'],
  () => ['resources', 'cleanup', '--older-than', '0s'],
  () => ['resources', 'stop-all'],
  () => ['run', 'list'],
  ({run}) => ['run', 'show', run],
  ({run}) => ['run', 'logs', run],
  ({active}) => ['run', 'stop', active],
  ({instance}) => ['checkpoint', 'list', '--instance-id', instance],
  ({run}) => ['checkpoint', 'info', 'checkpoints/checkpoint_epoch_1.json', '--run', run],
  ({instance}) => [PLATFORM, 'stop', instance],
  ({instance}) => [PLATFORM, 'start', instance, '--wait'],
  ({instance}) => [PLATFORM, 'terminate', instance, '--force'],
]

describe('every command under --json', () => {
  let bench: Bench
  const ids = {instance: '', run: '', active: ''}

  before(async () => {
    bench = await Bench.create()
    ids.instance = await bench.instance()
    const train = async (...argv: readonly string[]): Promise<string> => (await bench.json<{run: {run_id: string}}>([PLATFORM, 'train', ids.instance, SCRIPT, ...argv])).run.run_id
    ids.run = await train('--wait', ...FAST)
    ids.active = await train('--project-name', 'active', '--', '--epochs', '1000')
    await until(async () => (await bench.json<{last_checkpoint: unknown}>(['run', 'show', ids.active])).last_checkpoint !== null, 20_000, 'a first checkpoint')
  })
  after(() => bench.destroy())

  for (const command of COMMANDS) {
    it(`is one document that its schema allows: ${command({instance: 'INSTANCE', run: 'RUN', active: 'RUN'}).join(' ')}`, async () => {
      await bench.json(command(ids))
    })
  }

  it('is in the table above, or called with its words in a test of its own; and has a schema', async () => {
    const {commands} = JSON.parse(await readFile(path.join(REPOSITORY, 'oclif.manifest.json'), 'utf8')) as {readonly commands: Readonly<Record<string, {readonly hidden?: boolean}>>}
    const folder = path.join(REPOSITORY, 'test', 'e2e')
    const tests = (await readdir(folder, {recursive: true})).filter(name => name.endsWith('.test.ts'))
    const sources = (await Promise.all(tests.map(name => readFile(path.join(folder, name), 'utf8')))).join('\n').replaceAll('[PLATFORM,', "['local',")
    const schemas = await readdir(path.join(REPOSITORY, 'docs', 'json'))
    const called = (words: readonly string[]): boolean =>
      COMMANDS.some(command => words.every((word, at) => (at === 0 && command(ids)[at] === PLATFORM ? 'local' : command(ids)[at]) === word)) || sources.includes(words.map(word => `'${word}'`).join(', '))
    for (const [id, {hidden}] of Object.entries(commands)) {
      const words = id.split(':')
      expect(schemas, id).to.include(`${schemaName(words)}.schema.json`)
      // The verbs of a platform are the same code on each: the workflows run them on aws.
      if (!hidden && (words[0] !== 'aws' || words[1] === 'setup')) expect(called(words), `no test calls ${words.join(' ')}`).to.equal(true)
    }
  })

  it('init refuses what is there, as a document, and writes into an empty folder', async () => {
    const empty = path.join(bench.root, 'empty')
    await mkdir(empty)
    await bench.json(['init', '--name', 'fresh'], {cwd: empty})
    expect((await bench.jsonError(['init'], {cwd: empty})).error.code).to.be.oneOf(['bad_input', 'wrong_state'])
    expect((await bench.jsonError(['config', 'get', 'no.such.key'])).error).to.deep.include({code: 'bad_input', exit_code: 2})
    expect((await bench.jsonError(['config', 'set', 'stop.grace', 'soon'])).error).to.deep.include({code: 'bad_input', exit_code: 2})
  })
})
