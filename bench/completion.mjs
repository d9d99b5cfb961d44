// What a press of TAB costs: `runctl __complete` against `node -e 0`, medians of runs that take turns, so that what else the machine does meets all alike.
//   node bench/completion.mjs [--runs N] [--out FILE]      needs a build; writes bench/completion.json
import {spawnSync} from 'node:child_process'
import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {parseArgs} from 'node:util'

const {values} = parseArgs({options: {runs: {type: 'string', default: '40'}, out: {type: 'string', default: join(import.meta.dirname, 'completion.json')}}})
const runs = Number(values.runs)
const root = mkdtempSync(join(tmpdir(), 'runctl-completion-'))
const RUN = join(import.meta.dirname, '..', 'bin', 'run.js')

/** Fifty instances, two hundred runs. */
function fillCache(folder, minutesFresh) {
  mkdirSync(join(folder, 'completion'), {recursive: true})
  const after = new Date(Date.now() + minutesFresh * 60_000).toISOString()
  for (const platform of ['aws', 'local', 'shed']) {
    const instances = Array.from({length: 50}, (_, n) => ({id: `${platform}-${n}`, name: `machine ${n}`, state: 'running', type: 'g5.xlarge', project: 'demo', createdAt: after}))
    const known = Array.from({length: 200}, (_, n) => ({id: `run-20261123-195501-${String(n).padStart(8, '0')}`, instance: `${platform}-1`, state: 'running', script: 'train.py', project: 'demo'}))
    const file = {version: 1, platform, refreshAfter: after, suggestAfter: after, instances, runs: known, checkpoints: [], suggestions: {}}
    writeFileSync(join(folder, 'completion', `${platform}.json`), JSON.stringify(file))
  }
}

function fillPlugins(folder) {
  mkdirSync(join(folder, 'shed'), {recursive: true})
  writeFileSync(join(folder, 'package.json'), JSON.stringify({oclif: {plugins: [{name: 'shed', type: 'link', root: join(folder, 'shed')}]}}))
  const platforms = {shed: {description: 'Machines in the shed', createFlags: {}}}
  writeFileSync(join(folder, 'shed', 'package.json'), JSON.stringify({name: 'shed', runctl: {apiVersion: 1, platforms, settings: {}}}))
}

const place = name => ({RUNCTL_DATA_DIR: join(root, name, 'data'), RUNCTL_CACHE_DIR: join(root, name, 'cache'), RUNCTL_CONFIG_DIR: join(root, name, 'config')})
for (const name of ['plain', 'plugin']) fillCache(place(name).RUNCTL_CACHE_DIR, 30)
fillPlugins(place('plugin').RUNCTL_DATA_DIR)
const complete = line => [RUN, '__complete', 'bash', ' \t\n:=', line]

const CASES = [
  {name: 'node -e 0', args: ['-e', '0'], env: {}},
  {name: 'a command', args: complete('runctl lo'), env: place('plain')},
  {name: 'a flag', args: complete('runctl local train --'), env: place('plain')},
  {name: 'an instance, of all platforms', args: complete('runctl workflow run l'), env: place('plain')},
  {name: 'a run', args: complete('runctl run logs '), env: place('plain')},
  {name: 'an instance of a plugin', args: complete('runctl shed stop '), env: place('plugin')},
  {name: 'for comparison: runctl --version', args: [RUN, '--version'], env: place('plain')},
]

function milliseconds({args, env}) {
  const before = process.hrtime.bigint()
  // As a user has it, without what makes every node slow.
  const {status} = spawnSync(process.execPath, args, {env: {PATH: process.env.PATH, HOME: root, ...env}, stdio: ['ignore', 'pipe', 'ignore']})
  if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}`)
  return Number(process.hrtime.bigint() - before) / 1e6
}

const median = list => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)]
try {
  const times = CASES.map(() => [])
  // The first round warms the caches of the file system.
  for (let round = -1; round < runs; round++) CASES.forEach((one, at) => { const ms = milliseconds(one); if (round >= 0) times[at].push(ms) })
  const base = median(times[0])
  const rows = CASES.map(({name}, at) => ({case: name, median_ms: Number(median(times[at]).toFixed(1)), ratio: Number((median(times[at]) / base).toFixed(2))}))
  for (const {case: name, median_ms: ms, ratio} of rows) console.log(`${name.padEnd(36)} ${ms.toFixed(1).padStart(8)} ms ${ratio.toFixed(2).padStart(6)} x`)
  writeFileSync(values.out, `${JSON.stringify({node: process.version, platform: `${process.platform}-${process.arch}`, runs, rows}, null, 2)}\n`)
} finally {
  rmSync(root, {recursive: true, force: true})
}
