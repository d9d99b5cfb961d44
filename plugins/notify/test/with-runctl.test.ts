import {expect} from 'chai'
import {readdir, readFile} from 'node:fs/promises'
import path from 'node:path'

import {Bench, type Outcome} from '../../../test/e2e/support/bench.js'
import {REPOSITORY} from '../../../test/e2e/support/repository.js'
import type {NotifyDocument} from '../src/document.js'
import {Webhook} from './webhook.js'

const TRAIN = 'import os\nopen(os.path.join(os.environ["RUNCTL_CHECKPOINT_DIR"], "c_1.json"), "w").write("{}")\n'

describe('runctl with runctl-plugin-notify', () => {
  let bench: Bench
  let webhook: Webhook
  let written: string

  beforeEach(async () => {
    written = ''
    webhook = await Webhook.open()
    bench = await Bench.create({'train.py': TRAIN})
    await run('plugins', 'link', path.join(REPOSITORY, 'plugins', 'notify'))
  })
  afterEach(async () => {
    await webhook.close()
    await killSender()
    await bench.destroy()
  })

  const folder = (...parts: readonly string[]): string => path.join(bench.root, 'data', 'notify', ...parts)
  const run = async (...argv: readonly string[]): Promise<Outcome> => {
    const events = 'posttrain,poststop'
    const outcome = await bench.ok(argv, {env: {RUNCTL_NOTIFY_URL: webhook.url, RUNCTL_NOTIFY_EVENTS: events}})
    written += outcome.stdout + outcome.stderr
    return outcome
  }
  const killSender = async (): Promise<void> => {
    const pid = Number.parseInt(await readFile(folder('sender'), 'utf8').catch(() => ''), 10)
    if (Number.isNaN(pid)) return
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It has ended.
    }
  }

  it('tells what became of a training', async () => {
    const {stdout} = await run('workflow', 'run', 'local', 'train.py', '--json')
    const {run: {run_id: id}} = JSON.parse(stdout) as {readonly run: {readonly run_id: string}}
    await webhook.has(1)
    const sent = JSON.parse(webhook.received[0]?.body ?? '') as NotifyDocument
    expect([sent.event, sent.run?.id, sent.run?.reason, sent.checkpoint?.state]).to.deep.equal(['posttrain', id, 'completed', 'complete'])
    expect(written).to.not.contain('s3cr3t')
  })

  it('stops a machine, saved, although the webhook never answers', async () => {
    webhook.answer = () => 'hang'
    const id = (await run('local', 'create', '--output', 'text')).stdout.trim()
    const {stdout} = await run('local', 'stop', id, '--json')
    expect((JSON.parse(stdout) as {readonly instance: {readonly state: string}}).instance.state).to.equal('stopped')
    await webhook.has(1)
    expect(await readdir(folder('waiting'))).to.have.length(1)
    const {stdout: status} = await run('notify', 'status', '--json')
    expect((JSON.parse(status) as {readonly waiting: readonly {readonly event: string}[]}).waiting.map(({event}) => event)).to.deep.equal(['poststop'])
    expect(written).to.not.contain('s3cr3t')
  })

  it('hides the address, and tests the webhook: delivered, refused', async () => {
    expect((await run('config', 'show')).stdout).to.match(/^notify\.url +\*\*\* +RUNCTL_NOTIFY_URL$/m)
    expect((await run('notify', 'test')).stdout).to.match(/^delivered: 127\.0\.0\.1:\d+ answered HTTP 200\n$/)
    webhook.answer = () => ({status: 403})
    const refused = await bench.run(['notify', 'test', '--json'], {env: {RUNCTL_NOTIFY_URL: webhook.url}})
    expect(refused.code).to.equal(6)
    expect(refused.stdout + refused.stderr).to.contain('HTTP 403').and.not.contain('s3cr3t')
  })
})
