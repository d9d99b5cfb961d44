import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {setTimeout as delay} from 'node:timers/promises'
import {expect} from 'chai'

import {awsPlatform} from '../../../src/providers/aws/aws-platform.js'
import type {Provider} from '../../../src/providers/provider.js'
import {providerContract} from '../../../src/testing/index.js'
import {SHELL_CONTRACT} from '../../../src/testing/shell-contract.js'
import {type AwsBench, type BenchOptions, startAwsBench} from '../../bench/index.js'
import {expectedFailure} from '../../support/rejection.js'
import {RunctlError} from '../../../src/model/errors.js'

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()

describe('the shell over SSM, on the bench', function () {
  this.timeout(120_000)
  let dataDir: string
  let bench: AwsBench
  before(async () => (dataDir = await mkdtemp(join(tmpdir(), 'runctl-'))))
  after(() => rm(dataDir, {recursive: true}))
  afterEach(() => bench.calls.reset())

  const useBench = (options: BenchOptions = {}): void => {
    before(async () => {
      bench = await startAwsBench(options)
      bench.s3.addBucket('team')
    })
    after(() => bench.close())
  }
  const provider = (settings: Record<string, unknown> = {}): Promise<Provider> => awsPlatform.create({dataDir, env: bench.env, settings, RunctlError})

  for (const [what, settings] of [['with a bucket', {bucket: 'team'}], ['without a bucket', {}]] as const) {
    describe(`${what} keeps the contract: it`, () => {
      useBench()
      for (const {title, run} of providerContract(() => provider(settings), {pollIntervalMs: 100})) if (title in SHELL_CONTRACT) it(title, run)
      it('leaves nothing in the bucket', async () => {
        await delay(300)
        expect(bench.s3.keys('team')).to.deep.equal([])
      })
    })
  }

  describe('when things go wrong', () => {
    useBench()
    let id: string
    beforeEach(async () => (id = await bench.addInstance()))

    it('needs one SendCommand and a few polls for a small command, and no Describe', async () => {
      const {shell} = await provider()
      await shell.run(id, {script: 'echo hello', timeoutMs: 10_000})
      expect(bench.calls.count('SendCommand')).to.equal(1)
      expect(bench.calls.count('GetCommandInvocation')).to.be.within(1, 5)
      expect(bench.calls.list()).to.have.length(1 + bench.calls.count('GetCommandInvocation'))
    })

    it('runs a script once whose response is lost, and one that is delivered twice', async () => {
      const {shell} = await provider()
      bench.inject({operation: 'SendCommand', kind: 'lost-response', times: 2})
      const script = 'echo ran >>runs; sleep 1; cat runs; rm runs'
      expect(text((await shell.run(id, {script, timeoutMs: 20_000})).stdout)).to.equal('ran\n')
      expect(bench.calls.count('SendCommand')).to.equal(3)
      bench.world.doubleDelivery = 1
      expect(text((await shell.run(id, {script, timeoutMs: 20_000})).stdout)).to.equal('ran\n')
    })

    for (const [what, fault] of [
      ['throttling', {kind: 'error', code: 'ThrottlingException', status: 400}],
      ["a proxy's page", {kind: 'html'}],
      ['lost requests', {kind: 'lost-request'}],
    ] as const) {
      it(`gets over ${what}, of the sending and of the polls`, async () => {
        const {shell} = await provider()
        for (const operation of ['SendCommand', 'GetCommandInvocation']) bench.inject({operation, times: 2, ...fault})
        expect(text((await shell.run(id, {script: 'echo on', timeoutMs: 20_000})).stdout)).to.equal('on\n')
      })
    }

    it('notices within seconds that the instance was stopped under a command, which never runs again', async () => {
      const aws = await provider()
      const running = expectedFailure(aws.shell.run(id, {script: 'echo ran >>after-all; sleep 60', timeoutMs: 120_000}))
      await delay(1500)
      await aws.stopInstance(id)
      expect((await running).code).to.be.oneOf(['wrong_state', 'unreachable'])
      while (bench.instance(id).state !== 'stopped') await delay(50)
      await aws.startInstance(id)
      for (;;) {
        const seen = await aws.shell.run(id, {script: 'cat after-all', timeoutMs: 10_000}).catch(() => null)
        if (seen === null) continue
        await delay(500)
        expect(text((await aws.shell.run(id, {script: 'cat after-all', timeoutMs: 10_000})).stdout)).to.equal('ran\n')
        return
      }
    })

    it('says what an instance without profile lacks', async () => {
      const bare = await bench.addInstance({profile: null})
      const {shell} = await provider()
      const error = await expectedFailure(shell.run(bare, {script: ':', timeoutMs: 10_000}))
      expect([error.code, error.next[0], error.details['delivered']]).to.deep.equal(['unreachable', `runctl aws setup --attach ${bare}`, false])
    })

    it('runs the same on eight instances by one command', async () => {
      const ids = [id, ...(await Promise.all(Array.from({length: 7}, () => bench.addInstance())))]
      const {shell} = await provider({bucket: 'team'})
      await Promise.all(ids.map(each => shell.run(each, {script: ':', timeoutMs: 30_000})))
      bench.calls.reset()
      const results = await Promise.all(ids.map(each => shell.run(each, {script: 'echo "$RUNCTL_INSTANCE_ID"; head -c 30000 /dev/urandom | base64', timeoutMs: 30_000})))
      expect(results.map(({stdout}) => text(stdout).split('\n')[0])).to.deep.equal(ids)
      expect(bench.calls.count('SendCommand')).to.equal(1 + ids.length)
    })
  })
})
