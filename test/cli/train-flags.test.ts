import {mkdtemp, realpath, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import path from 'node:path'
import {expect} from 'chai'

import {trainInput, type TrainFlagValues} from '../../src/cli/train-flags.js'
import {loadConfiguration} from '../../src/config/load-configuration.js'
import type {TrainInput} from '../../src/core/train.js'
import {expectedFailure} from '../support/rejection.js'

describe('the flags of a training', () => {
  let folder: string
  before(async () => {
    folder = await realpath(await mkdtemp(path.join(tmpdir(), 'runctl-flags-')))
  })
  after(() => rm(folder, {recursive: true}))

  async function parse(flags: Partial<TrainFlagValues>, env: Record<string, string> = {}): Promise<Pick<TrainInput, 'data' | 'defaultOutput' | 'output' | 'resumeArgument'>> {
    const config = await loadConfiguration({cwd: folder, configDir: folder, env})
    const none = {
      'sync-code': undefined, 'include-pattern': undefined, 'project-name': 'p', env: undefined, 'env-file': undefined, data: undefined, 'data-s3': undefined,
      'output-s3': undefined, 'output-dir': undefined, 'checkpoint-dir': undefined, 'checkpoint-pattern': undefined, resume: undefined, 'resume-argument': undefined, name: undefined,
      python: undefined, concurrent: undefined,
    }
    return trainInput('train.py', [], {...none, ...flags}, config)
  }

  it('takes --data-s3 and --data with such an address for the same', async () => {
    expect(await parse({'data-s3': 's3://b/set'})).to.include({data: 's3://b/set'})
    expect(await parse({data: 's3://b/set'})).to.include({data: 's3://b/set'})
    expect(await parse({data: './set'})).to.include({data: './set'})
    expect(await parse({})).to.include({data: null, output: null, defaultOutput: null})
  })

  it('refuses both at once, whatever they say', async () => {
    for (const data of ['./set', 's3://b/set']) {
      const error = await expectedFailure(parse({data, 'data-s3': 's3://b/set'}))
      expect(error.code).to.equal('bad_input')
      expect(error.message).to.include('--data and --data-s3')
    }
  })

  it('keeps the flag and the configuration of the output apart: the one is asked for, the other a default', async () => {
    expect(await parse({'output-s3': 's3://b/runs'}, {RUNCTL_TRAIN_OUTPUT_S3: 's3://c/all'})).to.include({output: 's3://b/runs', defaultOutput: 's3://c/all'})
    expect(await parse({}, {RUNCTL_TRAIN_OUTPUT_S3: 's3://c/all'})).to.include({output: null, defaultOutput: 's3://c/all'})
  })

  it('wants addresses where it says s3', async () => {
    for (const flags of [{'data-s3': './set'}, {'data-s3': ''}, {'output-s3': 'b/runs'}, {'output-s3': 'gs://b'}]) {
      const error = await expectedFailure(parse(flags))
      expect(error.message).to.match(/^--(data|output)-s3 wants s3:\/\/BUCKET\/PREFIX/)
    }
  })

  it("takes the script's own argument to resume with, from the flag over the configuration; none is no argument", async () => {
    const configured = {RUNCTL_TRAIN_RESUME_ARGUMENT: '--load'}
    expect((await parse({})).resumeArgument).to.equal(undefined)
    expect((await parse({}, configured)).resumeArgument).to.equal('--load')
    expect((await parse({'resume-argument': 'ckpt_path'}, configured)).resumeArgument).to.equal('--ckpt_path')
    expect((await parse({'resume-argument': 'none'}, configured)).resumeArgument).to.equal(null)
    for (const bad of ['', '--', '--a=b', 'a b', '$(x)']) {
      expect((await expectedFailure(parse({'resume-argument': bad}))).message, bad).to.match(/^--resume-argument wants the name of an argument/)
    }
  })
})
