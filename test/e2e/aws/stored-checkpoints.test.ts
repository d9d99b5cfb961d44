import {expect} from 'chai'

import type {Checkpoint} from '../../../src/model/checkpoint.js'
import {manifest, RUN_A, RUN_B} from '../../support/stored-samples.js'
import {Bench} from '../support/bench.js'

const BUCKET = 'training-results'
const COUNT = 5000

describe('checkpoint list of what is in S3', function () {
  this.timeout(120_000)
  let bench: Bench

  before(async () => {
    bench = await Bench.create({}, {platform: 'aws', aws: {kind: 'folders'}})
    bench.aws.s3.addBucket(BUCKET)
  })
  after(() => bench?.destroy())

  const prefix = (runId: string): string => `out/mnist/${runId}/`
  const name = (at: number): string => `step_${String(at).padStart(5, '0')}.pt`
  const put = (key: string, content: unknown): Promise<void> => bench.aws.s3.addObject(BUCKET, key, content instanceof Buffer ? content : JSON.stringify(content))
  const age = (key: string, seconds: number): void => {
    const objects = bench.aws.s3.buckets.find(BUCKET)?.objects
    const object = objects?.get(key)
    if (object) objects?.set(key, {...object, modifiedAt: new Date(object.modifiedAt.getTime() - seconds * 1000)})
  }
  const run = {run_id: RUN_A, project: 'mnist', script: 'train.py', args: [], project_dir: '/p', checkpoint_dir: '/p/checkpoints', output_dir: '/p/outputs', name: null, output_uri: `s3://${BUCKET}/${prefix(RUN_A)}`, state: 'stopped'}
  const list = (...argv: readonly string[]): Promise<readonly Checkpoint[]> => bench.json<readonly Checkpoint[]>(['checkpoint', 'list', ...argv])

  it(`takes a few list calls for ${COUNT.toLocaleString('en-US')} checkpoints, and neither a HEAD nor a GET for each`, async () => {
    for (let at = 0; at < COUNT; at++) {
      const key = `${prefix(RUN_A)}checkpoints/${name(at)}`
      await put(key, Buffer.from('data'))
      await put(`${key}.manifest.json`, manifest(RUN_A, name(at)))
      for (const written of [key, `${key}.manifest.json`]) age(written, 60)
    }
    const entries = Array.from({length: COUNT}, (_, at) => ({...manifest(RUN_A, name(at)), uri: `s3://${BUCKET}/${prefix(RUN_A)}checkpoints/${name(at)}`}))
    await put(`${prefix(RUN_A)}run.json`, {run, checkpoints: entries, instance_id: 'i-0123456789abcdef0'})
    bench.aws.calls.reset()
    const found = await list(`s3://${BUCKET}/out/mnist/`)
    expect(found).to.have.length(COUNT)
    expect(new Set(found.map(({state}) => state))).to.deep.equal(new Set(['complete']))
    expect(['ListObjectsV2', 'HeadObject', 'GetObject'].map(operation => bench.aws.calls.count(operation))).to.deep.equal([11, 1, 1])
  })

  it('finds a run and a project below an output, without looking through the others', async () => {
    const key = `${prefix(RUN_B)}checkpoints/step_1.pt`
    await put(key, Buffer.from('data'))
    await put(`${key}.manifest.json`, manifest(RUN_B, 'step_1.pt'))
    await put(`${prefix(RUN_B)}checkpoints/step_2.pt`, Buffer.from('half'))
    bench.aws.calls.reset()
    const found = await list('--run', RUN_B, '--from', `s3://${BUCKET}/out`)
    expect(found.map(({path, state}) => [path, state])).to.have.deep.members([['checkpoints/step_1.pt', 'complete'], ['checkpoints/step_2.pt', 'partial']])
    expect(found.find(({state}) => state === 'complete')?.places).to.deep.equal([{kind: 's3', where: BUCKET, path: key, verified_at: '2026-11-23T11:30:00Z'}])
    expect(bench.aws.calls.count('ListObjectsV2')).to.be.at.most(5)
    expect(await list('--project', 'mnist', '--from', `s3://${BUCKET}/out`)).to.have.length(COUNT + 2)
  })

  it('takes the place from the configuration, and says so where nothing is there', async () => {
    const env = {RUNCTL_TRAIN_OUTPUT_S3: `s3://${BUCKET}/out/`}
    expect(await bench.json<readonly Checkpoint[]>(['checkpoint', 'list', '--run', RUN_B], {env})).to.have.length(2)
    expect((await bench.jsonError(['checkpoint', 'list', '--run', 'run-20260101-000000-0000'], {env})).error.message).to.contain(`nothing of it in s3://${BUCKET}/out/`)
    const gone = await bench.jsonError(['checkpoint', 'list', '--instance-id', 'i-0ffffffffffffffff'])
    expect(gone.error.code).to.equal('not_found')
    expect(gone.error.next[0]).to.equal('runctl checkpoint list --project PROJECT --from s3://BUCKET/PREFIX')
  })

  it('lists foreign files as unverified, and what is misshapen not as a checkpoint', async () => {
    await put('models/llama.safetensors', Buffer.from('data'))
    await put('models/readme.md', Buffer.from('data'))
    expect((await list(`s3://${BUCKET}/models`)).map(({path, state}) => [path, state])).to.deep.equal([['llama.safetensors', 'unverified']])
    await put(`${prefix(RUN_B)}checkpoints/step_1.pt.manifest.json`, {...manifest(RUN_B, 'step_1.pt'), path: '../../../etc/passwd'})
    const {stderr} = await bench.ok(['checkpoint', 'list', `s3://${BUCKET}/${prefix(RUN_B)}`])
    expect(stderr).to.contain('is passed over: its path leads elsewhere')
  })
})
