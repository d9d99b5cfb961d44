import {mkdir, rm, writeFile} from 'node:fs/promises'
import path from 'node:path'
import {expect} from 'chai'

import type {EndResult} from '../../src/core/end-instance.js'
import type {InstanceStatus} from '../../src/core/show-status.js'
import type {Checkpoint} from '../../src/model/checkpoint.js'
import {Bench, until, type Outcome} from './support/bench.js'

/** Says at once what it has, and saves when it is asked to. */
const SAVES = `import json, os, signal, sys, time
folder = os.environ["RUNCTL_CHECKPOINT_DIR"]
def save(*_):
    path = os.path.join(folder, "step_7.json")
    with open(path + ".tmp", "w") as file:
        json.dump({"step": 7}, file)
    os.rename(path + ".tmp", path)
    sys.exit(0)
signal.signal(signal.SIGTERM, save)
print("at work", flush=True)
while True:
    time.sleep(0.05)
`
const step = (body: string): string => `export default async function (options) {\n${body}\n}\n`

interface Case {
  readonly what: string
  readonly event: 'poststop' | 'prestop-checkpoint'
  readonly code: string
  readonly status: number
  readonly says: RegExp | null
  readonly stopped: boolean
}

const CASES: readonly Case[] = [
  {what: 'throws', event: 'poststop', code: step("throw new TypeError('oops')"), status: 13, says: /^Warning: step of bad-plugin at poststop: oops$/m, stopped: true},
  {what: 'throws what is no error', event: 'poststop', code: step("throw 'text'"), status: 13, says: /step of bad-plugin at poststop: text/, stopped: true},
  {what: 'lets a promise float that is rejected', event: 'poststop', code: step("void Promise.reject(new Error('afloat'))\nawait new Promise(resolve => setTimeout(resolve, 100))"), status: 13, says: /step of bad-plugin, beside what it was asked for: afloat/, stopped: true},
  {what: 'throws in a timer', event: 'poststop', code: step("setTimeout(() => { throw new Error('later') }, 10)\nawait new Promise(resolve => setTimeout(resolve, 100))"), status: 13, says: /step of bad-plugin, beside what it was asked for: later/, stopped: true},
  {what: 'ends the process', event: 'poststop', code: step('process.exit(0)'), status: 13, says: /it called process\.exit/, stopped: true},
  {what: 'writes into the result', event: 'poststop', code: step("console.log('noise')\nprocess.stdout.write('more noise\\n')"), status: 0, says: /^noise\nmore noise$/m, stopped: true},
  {what: 'returns rubbish where nothing is asked', event: 'poststop', code: step('return {ok: Symbol.iterator}'), status: 0, says: null, stopped: true},
  {what: 'leaves a handle open', event: 'poststop', code: step('setInterval(() => undefined, 1000)'), status: 0, says: null, stopped: true},
  {what: 'changes what it is given', event: 'poststop', code: step("options.instance.tags['runctl:project'] = 'another'"), status: 13, says: /step of bad-plugin at poststop: Cannot/, stopped: true},
  {what: 'throws at load', event: 'poststop', code: "throw new Error('at load')\n", status: 13, says: /step of bad-plugin at poststop: .*at load/, stopped: true},
  {what: 'is not there', event: 'poststop', code: '', status: 13, says: /step of bad-plugin at poststop: /, stopped: true},
  {what: 'refuses', event: 'prestop-checkpoint', code: step("throw new options.RunctlError('wrong_state', 'the copy is not done', {next: ['runctl run list']})"), status: 4, says: /the copy is not done[^]*Next: runctl run list\n +runctl local stop \S+ (?:\S+ )*--no-plugin-steps/, stopped: false},
  {what: 'says of a save what is no answer', event: 'prestop-checkpoint', code: step('return {ok: true}'), status: 13, says: /it did not say\s+whether/, stopped: false},
  {what: 'says that it is not safe', event: 'prestop-checkpoint', code: step("return {ok: false, why: 'no copy yet', reports: [], only_here: []}"), status: 9, says: /no copy yet/, stopped: false},
]

describe('a step of a plugin that', () => {
  let bench: Bench
  let id: string
  let plugin: string

  before(async () => {
    bench = await Bench.create({'saves.py': SAVES}, {platform: 'local'})
    plugin = path.join(bench.root, 'bad-plugin')
    id = await bench.instance()
    await mkdir(plugin)
  })
  after(async () => {
    await rm(path.join(bench.root, 'data', 'package.json'), {force: true})
    await bench.destroy()
  })

  const link = async (event: string, code: string): Promise<void> => {
    const manifest = {name: 'bad-plugin', version: '1.0.0', type: 'module', oclif: {hooks: {[event]: ['./step.js']}}, runctl: {apiVersion: 1}}
    await writeFile(path.join(plugin, 'package.json'), JSON.stringify(manifest))
    await rm(path.join(plugin, 'step.js'), {force: true})
    if (code !== '') await writeFile(path.join(plugin, 'step.js'), code)
    const linked = {name: 'bad-plugin', root: plugin, type: 'link'}
    await writeFile(path.join(bench.root, 'data', 'package.json'), JSON.stringify({private: true, oclif: {schema: 1, plugins: [linked]}}))
  }
  /** A training that is at work; its project is the case's own. */
  const train = async (project: string): Promise<void> => {
    const {state} = await bench.json<InstanceStatus>(['local', 'status', id])
    if (state === 'stopped') await bench.ok(['local', 'start', id, '--wait', '--no-plugin-steps'])
    await bench.ok(['local', 'train', id, 'saves.py', '--project-name', project, '--no-plugin-steps'])
    await until(async () => (await bench.ok(['local', 'monitor', id, '--lines', '1'])).stdout.includes('at work'), 20_000, 'the training is at work')
  }
  const checkpoints = (project: string): Promise<readonly Checkpoint[]> => bench.json<readonly Checkpoint[]>(['checkpoint', 'list', '--instance-id', id, '--project', project])

  for (const [at, {code, event, says, status, stopped, what}] of CASES.entries()) {
    it(`${what} (${event}) ends as documented, and the save is done`, async () => {
      const project = `case-${at}`
      await rm(path.join(bench.root, 'data', 'package.json'), {force: true})
      await train(project)
      await link(event, code)
      const ended: Outcome = await bench.run(['local', 'stop', id, '--grace', '10s'])
      expect(ended.code, ended.stdout + ended.stderr).to.equal(status)
      if (says) expect(ended.stderr).to.match(says)
      expect(ended.stdout).to.not.include('noise')
      const now = await bench.json<InstanceStatus>(['local', 'status', id])
      expect(now.state).to.equal(stopped ? 'stopped' : 'running')
      if (!stopped) {
        // The way out that the message names.
        const {instance} = await bench.json<EndResult>(['local', 'stop', id, '--no-plugin-steps'])
        expect(instance.state).to.equal('stopped')
      }
      await bench.ok(['local', 'start', id, '--wait', '--no-plugin-steps'])
      expect((await checkpoints(project)).map(({state, step: number}) => [state, number])).to.deep.equal([['complete', 7]])
    })
  }

  it('hangs is given up when its time is over, and the rest is done', async () => {
    await rm(path.join(bench.root, 'data', 'package.json'), {force: true})
    await train('hangs')
    await link('poststop', step('await new Promise(() => undefined)'))
    const ended = await bench.run(['local', 'stop', id, '--json'], {timeoutMs: 100_000})
    expect([ended.code, (JSON.parse(ended.stdout) as EndResult).instance.state]).to.deep.equal([13, 'stopped'])
    expect(ended.stderr).to.match(/step of bad-plugin at poststop: /)
  })
})
