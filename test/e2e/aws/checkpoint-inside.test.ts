import {createHash} from 'node:crypto'
import {readFile} from 'node:fs/promises'
import {expect} from 'chai'

import type {TrainJson} from '../../../src/cli/verbs/train.js'
import type {CheckpointDiff} from '../../../src/core/diff-checkpoints.js'
import type {CheckpointInfo} from '../../../src/core/inspect-checkpoint.js'
import type {SetupResult} from '../../../src/core/set-up-platform.js'
import type {VerifiedCheckpoint} from '../../../src/core/verify-checkpoints.js'
import {createClients} from '../../../src/providers/aws/clients.js'
import {S3Store} from '../../../src/providers/aws/store/s3-store.js'
import {Bench} from '../support/bench.js'
import {sampleScript} from '../support/samples.js'

describe('checkpoint info, verify and diff on S3', function () {
  this.timeout(120_000)
  let bench: Bench
  let id: string
  let uri: string
  let remote: string
  let store: S3Store

  before(async () => {
    bench = await Bench.create({'script.py': await sampleScript()}, {platform: 'aws'})
    id = await bench.aws.addInstance()
    const {settings} = await bench.json<SetupResult>(['aws', 'setup'])
    const {run} = await bench.json<TrainJson>(['aws', 'train', id, 'script.py', '--sync-code', '--wait', '--output-s3', `s3://${settings['bucket']}/out`, '--', '--epochs', '2', '--step-seconds', '0'])
    remote = run.last_checkpoint?.path ?? ''
    uri = `${run.output_uri}${remote}`
    store = new S3Store({clients: createClients({env: bench.env, settings: {}}), scratch: null})
  })
  after(() => bench.destroy())

  const verify = async (...argv: readonly string[]) => {
    const line = ['checkpoint', 'verify', ...argv, '--json']
    const outcome = await bench.run(line)
    return {code: outcome.code, one: bench.document<readonly VerifiedCheckpoint[]>(outcome, line)[0]}
  }

  it('shows what is inside of an object, and compares it with the file that it came from', async () => {
    const info = await bench.json<CheckpointInfo>(['checkpoint', 'info', uri])
    expect(info).to.include({state: 'complete', format: 'json', epoch: 2, path: uri})
    const diff = await bench.json<CheckpointDiff>(['checkpoint', 'diff', uri, `${id}:${remote}`, '--full'])
    expect(diff).to.deep.include({identical: true, facts: []})
  })

  it('has the store tell the digest that the agent left with the object', async () => {
    const bytes = await readFile(bench.home(id, 'projects', 'project', remote))
    expect((await store.head(uri))?.sha256).to.equal(createHash('sha256').update(bytes).digest('hex'))
  })

  it('compares the object with its manifest, by what S3 tells and by all its bytes', async () => {
    const bytes = await readFile(bench.home(id, 'projects', 'project', remote))
    const written = JSON.parse(Buffer.from(await store.get(`${uri}.manifest.json`)).toString()) as object
    const manifest = (sha256: string) => store.put(`${uri}.manifest.json`, Buffer.from(JSON.stringify({...written, sha256})))
    await manifest(createHash('sha256').update(bytes).digest('hex'))
    for (const flags of [[], ['--full']]) {
      const {code, one} = await verify(uri, ...flags)
      expect(code).to.equal(0)
      expect(one).to.include({ok: true, kind: 's3', read: flags.length > 0 ? 'bytes' : 'tables'})
      expect(one?.compared.map(({same}) => same)).to.deep.equal([true])
    }
    await manifest('0'.repeat(64))
    for (const flags of [[], ['--full']]) expect((await verify(uri, ...flags)).code).to.equal(12)
  })

  it('says so of what is not there, and of half an upload', async () => {
    expect((await verify(uri.replace('epoch_2', 'epoch_9'))).one).to.include({ok: false})
    await store.put(`${uri}.half.json`, Buffer.from('{"epoch": 3, "weights": [0.1, '))
    expect((await verify(`${uri}.half.json`)).one).to.include({ok: false, state: 'partial'})
    expect((await bench.jsonError(['checkpoint', 'info', uri.replace('epoch_2', 'epoch_9')])).error).to.include({code: 'not_found', exit_code: 3})
  })
})
