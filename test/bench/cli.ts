/**
 * `npm run bench:aws [-- --scale N]`: an AWS account on this machine, for trying the CLI by hand, until Ctrl-C.
 * Delays are those of AWS, divided by ten; `--scale 10` makes them real, `--scale 0` takes them away.
 */

import {once} from 'node:events'
import {parseArgs} from 'node:util'

import {type AwsBench, startAwsBench} from './index.js'
import type {BenchTimes} from './types.js'

const TENTH: BenchTimes = {pendingMs: 1500, stoppingMs: 3000, shuttingDownMs: 3000, onlineMs: 4000, lagMs: 150, deliveryMs: 200, invocationLagMs: 100}
const LATENCY_MS = 8
const BUCKET = 'runctl-bench'

async function main(): Promise<void> {
  const {values} = parseArgs({options: {scale: {type: 'string', default: '1'}}})
  const scale = Number(values.scale)
  if (!(scale >= 0)) throw new Error(`--scale wants a number, not ${values.scale}`)
  const times = Object.fromEntries(Object.entries(TENTH).map(([name, ms]) => [name, (ms as number) * scale])) as Partial<BenchTimes>
  const bench = await startAwsBench({times, latencyMs: LATENCY_MS * scale})
  try {
    const ending = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM'), once(process, 'SIGHUP')])
    const id = await furnish(bench)
    process.stdout.write(introduction(bench, id))
    await ending
    process.stdout.write('\ncleaning up\n')
  } finally {
    await bench.close()
  }
}

/** What there is to play with. */
async function furnish(bench: AwsBench): Promise<string> {
  bench.s3.addBucket(BUCKET)
  const samples = Array.from({length: 20}, (_, index) => bench.s3.addObject(BUCKET, `data/part-${String(index).padStart(3, '0')}.csv`, sampleCsv(index)))
  await Promise.all(samples)
  return bench.addInstance({type: 't3.medium', tags: {Name: 'sample'}})
}

function sampleCsv(seed: number): string {
  const rows = Array.from({length: 500}, (_, row) => `${row},${Math.sin(seed + row / 50).toFixed(4)},${(row + seed) % 10}`)
  return ['id,value,label', ...rows, ''].join('\n')
}

function introduction({env, world}: AwsBench, id: string): string {
  const exports = Object.entries(env).map(([name, value]) => `export ${name}='${value}'`)
  const kind = world.machines.kind === 'namespaces' ? 'with their own\nfile system, processes and network' : 'a folder and its\nprocesses each'
  return [
    'An AWS account on this machine. In another terminal:',
    '',
    'unset AWS_PROFILE AWS_DEFAULT_PROFILE AWS_SESSION_TOKEN',
    ...exports,
    '',
    `Instances are real machines of a kind, ${kind}.`,
    `There is one, ${id}, and training data in`,
    `s3://${BUCKET}/data/. For example:`,
    '',
    `  runctl aws setup --read-bucket ${BUCKET}`,
    '  runctl aws create --wait',
    `  runctl aws exec ${id} -- uname -a`,
    '',
    'Ctrl-C ends it and removes everything.',
    '',
  ].join('\n')
}

await main()
