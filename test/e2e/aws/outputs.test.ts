import {createHash} from 'node:crypto'
import {readdir, readFile} from 'node:fs/promises'
import path from 'node:path'
import {expect} from 'chai'

import type {TrainJson} from '../../../src/cli/verbs/train.js'
import type {EndResult} from '../../../src/core/end-instance.js'
import type {SetupResult} from '../../../src/core/set-up-platform.js'
import type {Checkpoint} from '../../../src/model/checkpoint.js'
import {Bench} from '../support/bench.js'
import {sampleScript} from '../support/samples.js'

describe('outputs on S3', function () {
  this.timeout(120_000)
  let bench: Bench
  let id: string

  before(async () => {
    bench = await Bench.create({'script.py': await sampleScript()}, {platform: 'aws'})
    id = await bench.aws.addInstance()
  })
  after(() => bench.destroy())

  const filesBelow = async (folder: string): Promise<ReadonlyMap<string, Buffer>> => {
    const names = (await readdir(folder, {withFileTypes: true, recursive: true})).filter(entry => entry.isFile())
    const read = names.map(async entry => [path.relative(folder, path.join(entry.parentPath, entry.name)), await readFile(path.join(entry.parentPath, entry.name))] as const)
    return new Map(await Promise.all(read))
  }

  it('checkpoints, log, outputs and the record of the run are there, byte for byte, and outlive the instance', async () => {
    const {settings} = await bench.json<SetupResult>(['aws', 'setup'])
    const bucket = settings['bucket'] ?? ''
    const {run} = await bench.json<TrainJson>(['aws', 'train', id, 'script.py', '--sync-code', '--wait', '--output-s3', `s3://${bucket}/out`, '--', '--epochs', '3', '--step-seconds', '0'])
    expect(run.output_uri).to.equal(`s3://${bucket}/out/project/${run.run_id}/`)
    const prefix = `out/project/${run.run_id}/`
    const project = (folder: string): Promise<ReadonlyMap<string, Buffer>> => filesBelow(bench.home(id, 'projects', 'project', folder))
    const log = await readFile(bench.home(id, '.runctl', 'runs', run.run_id, 'log'))
    const wanted = new Map<string, Buffer>([
      ...[...(await project('checkpoints'))].map(([name, bytes]) => [`${prefix}checkpoints/${name}`, bytes] as const),
      ...[...(await project('outputs'))].map(([name, bytes]) => [`${prefix}outputs/${name}`, bytes] as const),
    ])
    expect(wanted.size).to.equal(5)

    const stopped = await bench.json<EndResult>(['aws', 'stop', id])
    expect(stopped.saved?.ok).to.equal(true)
    expect(stopped.saved?.only_here).to.deep.equal([])
    const terminated = await bench.json<EndResult>(['aws', 'terminate', id])
    expect(terminated.instance.state).to.equal('terminated')

    const keys = bench.aws.s3.keys(bucket).filter(key => key.startsWith('out/'))
    const segments = keys.filter(key => key.startsWith(`${prefix}log/`))
    const manifests = [...wanted.keys()].filter(key => key.startsWith(`${prefix}checkpoints/`)).map(key => `${key}.manifest.json`)
    expect(keys).to.have.members([...wanted.keys(), ...manifests, ...segments, `${prefix}run.json`])
    const object = async (key: string): Promise<Buffer> => (await bench.aws.s3.objectBytes(bucket, key)) ?? Buffer.alloc(0)
    for (const [key, bytes] of wanted) expect((await object(key)).equals(bytes), key).to.equal(true)
    expect(Buffer.concat(await Promise.all(segments.toSorted().map(object))).equals(log), 'the log').to.equal(true)

    const record = JSON.parse((await object(`${prefix}run.json`)).toString()) as {complete: boolean; run: {reason: string}; checkpoints: {uri: string; sha256: string}[]}
    expect(record).to.deep.include({complete: true})
    expect(record.checkpoints).to.have.length(3)
    for (const {sha256, uri} of record.checkpoints) {
      const bytes = wanted.get(uri.replace(`s3://${bucket}/`, '')) ?? Buffer.alloc(0)
      expect(createHash('sha256').update(bytes).digest('hex'), uri).to.equal(sha256)
    }
  })

  it('of a run that goes on are saved by a terminate, which then needs no force', async () => {
    const instance = await bench.aws.addInstance()
    const {run} = await bench.json<TrainJson>(['aws', 'train', instance, 'script.py', '--sync-code', '--output-s3', 's3://runctl-123456789012-us-east-1/more/', '--', '--epochs', '100'])
    const listed = async (): Promise<readonly Checkpoint[]> => bench.json<readonly Checkpoint[]>(['checkpoint', 'list', '--run', run.run_id])
    expect((await listed()).every(({places}) => places.some(({kind}) => kind === 'instance'))).to.equal(true)
    const {saved} = await bench.json<EndResult>(['aws', 'terminate', instance])
    const last = saved?.reports[0]?.checkpoint
    expect(last?.path).to.match(/^checkpoints\/checkpoint_epoch_\d+_step_\d+\.json$/)
    expect(bench.aws.s3.keys('runctl-123456789012-us-east-1')).to.include(`more/project/${run.run_id}/${last?.path ?? ''}`)
    expect(bench.aws.instance(instance).state).to.equal('terminated')
  })
})
