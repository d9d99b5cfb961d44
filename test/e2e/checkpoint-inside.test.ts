import {execFile} from 'node:child_process'
import {mkdir, readFile, utimes, writeFile} from 'node:fs/promises'
import path from 'node:path'
import {promisify} from 'node:util'
import {expect} from 'chai'

import type {TrainJson} from '../../src/cli/verbs/train.js'
import type {CheckpointDiff} from '../../src/core/diff-checkpoints.js'
import type {CheckpointInfo} from '../../src/core/inspect-checkpoint.js'
import type {VerifiedCheckpoint} from '../../src/core/verify-checkpoints.js'
import type {Checkpoint} from '../../src/model/checkpoint.js'
import {PLATFORM, Bench} from './support/bench.js'
import {REPOSITORY} from './support/repository.js'

/** Writes checkpoints as PyTorch and safetensors do, with the samples of the agent's tests. */
const SAMPLES = `
import os, sys, time
sys.path.insert(0, sys.argv[1])
from tests.sample_checkpoints import *
def put(name, data):
    open(name, "wb").write(data)
    os.utime(name, (time.time() - 60,) * 2)
put("a.pt", torch_zip(TRAINING))
put("b.pt", torch_zip(dict(TRAINING, global_step=1300, model={"layer.weight": T("F32", (4, 3), b"\\5" * 48), "layer.bias": T("F16", (4,))})))
put("c.safetensors", safetensors())
`
const GGUF = Buffer.concat([Buffer.from('GGUF\x03\0\0\0'), Buffer.alloc(32, 1)])

describe('checkpoint info, verify and diff', () => {
  let bench: Bench
  let here: string
  before(async () => {
    bench = await Bench.create()
    here = path.join(bench.project, 'models')
    await mkdir(here)
    await promisify(execFile)('python3', ['-c', SAMPLES, path.join(REPOSITORY, 'agent')], {cwd: here})
  })
  after(() => bench.destroy())

  /** Other bytes, with the size and times of before. */
  async function rot(file: string): Promise<void> {
    // Node knows times only as fractions of a second.
    const program = 'import os, sys; f = sys.argv[1]; s = os.stat(f); d = bytearray(open(f, "rb").read()); at = max(i for i in range(len(d)) if d[i] in b"12345678\\1"); ' +
      'd[at] ^= 1; open(f, "r+b").write(d); os.utime(f, ns=(s.st_atime_ns, s.st_mtime_ns))'
    await promisify(execFile)('python3', ['-c', program, file])
  }

  const verify = async (argv: readonly string[]) => {
    const line = ['checkpoint', 'verify', ...argv, '--json']
    const outcome = await bench.run(line)
    return {code: outcome.code, verified: bench.document<readonly VerifiedCheckpoint[]>(outcome, line)}
  }

  it('shows step, metrics, tensors, dtypes and the optimizer without loading anything', async () => {
    const info = await bench.json<CheckpointInfo>(['checkpoint', 'info', 'models/a.pt'])
    expect(info).to.deep.include({state: 'complete', step: 1200, epoch: 3, metrics: {val_loss: 0.25}})
    expect(info.xray).to.deep.include({tensor_count: 4, parameter_count: 17, dtypes: {F32: 12, F16: 4, I64: 1}, has_optimizer: true, tensors_left_out: 0})
    const {stdout} = await bench.ok(['checkpoint', 'info', 'models/a.pt', '--tensors', '2'])
    expect(stdout).to.match(/^Parameters +17$/m).and.match(/^model\.layer\.weight +F32 +4x3 +crc32:/m).and.not.contain('model.steps')
  })

  it('tells how two checkpoints differ', async () => {
    const diff = await bench.json<CheckpointDiff>(['checkpoint', 'diff', 'models/a.pt', 'models/b.pt'])
    expect(diff.facts).to.deep.include({name: 'step', a: 1200, b: 1300})
    expect(diff.tensors).to.deep.include({only_a: [{name: 'model.steps', dtype: 'I64', shape: []}], only_b: [], other_content: ['model.layer.weight'], same: 2})
    expect((await bench.json<CheckpointDiff>(['checkpoint', 'diff', 'models/a.pt', 'models/a.pt'])).identical).to.equal(true)
    expect((await bench.jsonError(['checkpoint', 'diff', 'models/a.pt', 'models/nowhere.pt'])).error.code).to.equal('not_found')
  })

  it('verifies a folder, and finds bytes that changed without a trace', async () => {
    const before = await verify(['models'])
    expect(before.code).to.equal(0)
    expect(before.verified.map(({ok}) => ok)).to.deep.equal([true, true, true])
    await rot(path.join(here, 'c.safetensors'))
    expect(await bench.json<CheckpointInfo>(['checkpoint', 'info', 'models/c.safetensors'])).to.include({state: 'complete'})
    const after = await verify(['models/c.safetensors', 'models/a.pt'])
    expect(after.code).to.equal(12)
    expect(after.verified.map(({ok, state}) => [ok, state])).to.deep.equal([[false, 'corrupt'], [true, 'complete']])
    const {code, stderr, stdout} = await bench.run(['checkpoint', 'verify', 'models'])
    expect(code).to.equal(12)
    expect(stdout).to.match(/c\.safetensors +not good +corrupt/)
    expect(stderr).to.contain('1 of 3 checkpoints not good')
  })

  it('asks what to verify', async () => {
    expect((await bench.jsonError(['checkpoint', 'verify'])).error).to.include({code: 'bad_input', exit_code: 2})
    expect((await bench.jsonError(['checkpoint', 'verify', 'models/nowhere.pt'])).error.code).to.equal('not_found')
  })

  describe('on an instance', () => {
    let id: string
    let run: string
    before(async () => {
      id = await bench.instance()
      const train = await bench.json<TrainJson>([PLATFORM, 'train', id, 'training/train_with_checkpoints.py', '--wait', '--', '--epochs', '3', '--step-seconds', '0'])
      run = train.run.run_id
    })

    it('reads each where it is, compares it with what the run recorded, and is not fooled by its memory', async () => {
      const {code, verified} = await verify(['--instance-id', id])
      expect(code).to.equal(0)
      expect(verified).to.have.length(3)
      expect(verified[0]).to.include({kind: 'instance', where: id, ok: true})
      expect(verified[0]?.compared.map(one => one.with)).to.include(`recorded by ${run}`)
      await rot(bench.home(id, 'projects', 'project', 'checkpoints', 'checkpoint_epoch_2.json'))
      const again = await verify(['--run', run])
      expect(again.code).to.equal(12)
      expect(again.verified.filter(({ok}) => !ok).map(({path: name}) => name)).to.deep.equal(['checkpoints/checkpoint_epoch_2.json'])
      // It is passed over from now on.
      const listed = await bench.json<readonly Checkpoint[]>(['checkpoint', 'list', '--instance-id', id])
      expect(listed.find(({epoch}) => epoch === 2)?.state).to.equal('corrupt')
    })

    it('compares with one on this machine', async () => {
      const diff = await bench.json<CheckpointDiff>(['checkpoint', 'diff', `${id}:checkpoints/checkpoint_epoch_1.json`, 'models/a.pt'])
      expect(diff.a).to.include({path: 'checkpoints/checkpoint_epoch_1.json', epoch: 1})
      expect(diff.tensors).to.equal(null)
    })
  })

  describe('with a format of a plugin', () => {
    before(async () => {
      const plugin = path.join(bench.root, 'runctl-plugin-gguf')
      await mkdir(plugin)
      const page = await readFile(path.join(REPOSITORY, 'docs', 'checkpoints.md'), 'utf8')
      // As the documentation has it.
      for (const name of ['package.json', 'formats.js', 'gguf.py']) {
        const [, text] = new RegExp(`^\`${name.replace('.', '\\.')}\`:\\n\\n\`\`\`\\w+\\n([^]*?)\\n\`\`\`$`, 'm').exec(page) ?? []
        if (text === undefined) throw new Error(`docs/checkpoints.md has no ${name}`)
        await writeFile(path.join(plugin, name), text + '\n')
      }
      await bench.ok(['plugins', 'link', plugin, '--no-install'])
      await writeFile(path.join(here, 'model.gguf'), GGUF)
      const past = new Date(Date.now() - 60_000)
      await utimes(path.join(here, 'model.gguf'), past, past)
    })

    /** oclif warns of every linked plugin that is a module. */
    const json = async <T>(argv: readonly string[]): Promise<T> => JSON.parse((await bench.ok([...argv, '--json'])).stdout) as T

    it('judges its files here', async () => {
      expect(await json<CheckpointInfo>(['checkpoint', 'info', 'models/model.gguf'])).to.include({state: 'complete', format: 'gguf'})
      const listed = await json<readonly Checkpoint[]>(['checkpoint', 'list', 'models'])
      expect(listed.map(({path: name}) => path.basename(name))).to.include('model.gguf')
      await writeFile(path.join(here, 'model.gguf'), 'GGML')
      const past = new Date(Date.now() - 50_000)
      await utimes(path.join(here, 'model.gguf'), past, past)
      expect(await json<CheckpointInfo>(['checkpoint', 'info', 'models/model.gguf'])).to.include({state: 'partial'})
    })

    it('judges them in a run', async () => {
      await bench.write('write_gguf.py', `open("checkpoints/m.gguf", "wb").write(bytes.fromhex("${GGUF.toString('hex')}"))\n`)
      const {instance} = await json<{readonly instance: {readonly id: string}}>([PLATFORM, 'create', '--wait'])
      const {run} = await json<TrainJson>([PLATFORM, 'train', instance.id, 'write_gguf.py', '--wait'])
      expect(run.last_checkpoint).to.include({path: 'checkpoints/m.gguf', format: 'gguf', state: 'complete'})
    })
  })
})
