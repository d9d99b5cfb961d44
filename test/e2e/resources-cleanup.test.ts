import {expect} from 'chai'
import {readdir} from 'node:fs/promises'
import path from 'node:path'

import type {ResourceCleanup} from '../../src/core/clean-up.js'
import type {ResourceRow} from '../../src/core/list-resources.js'
import type {StopAllItem} from '../../src/core/stop-all.js'
import type {Insight} from '../../src/model/insight.js'
import {Bench, PLATFORMS, until} from './support/bench.js'

const SCRIPT = 'training/train_with_checkpoints.py'

for (const platform of PLATFORMS) {
  describe(`cleaning up on ${platform}`, function () {
    this.timeout(180_000)
    let bench: Bench
    beforeEach(async () => {
      bench = await Bench.create({}, {platform})
    })
    afterEach(() => bench.destroy())

    const states = async (): Promise<Readonly<Record<string, string>>> =>
      Object.fromEntries((await bench.json<readonly ResourceRow[]>(['resources', 'list', '--no-ask'])).map(({id, state}) => [id, state]))
    const train = (id: string, ...argv: readonly string[]): Promise<unknown> => bench.ok([platform, 'train', id, SCRIPT, ...argv])

    it('stop-all saves and stops what trains; cleanup keeps the only copy until it is here, and then removes the instance', async () => {
      const id = await bench.instance()
      await train(id, '--', '--epochs', '1000', '--step-seconds', '0.01')
      await until(async () => (await bench.json<readonly {last_checkpoint: unknown}[]>(['run', 'list']))[0]?.last_checkpoint !== null, 60_000, 'a first checkpoint')
      const insights = await bench.json<readonly Insight[]>(['resources', 'insights'])
      expect(insights.find(({kind}) => kind === 'unsynced')).to.include({id})

      const plan = await bench.json<readonly StopAllItem[]>(['resources', 'stop-all'])
      expect(plan.map(({what}) => what)).to.deep.equal(['would-stop'])
      expect(await states()).to.deep.equal({[id]: 'running'})
      const stopped = await bench.json<readonly StopAllItem[]>(['resources', 'stop-all', '--yes'])
      expect(stopped[0]).to.include({id, what: 'stopped'})
      expect(stopped[0]?.saved).to.have.length(1)

      const refused = await bench.json<ResourceCleanup>(['resources', 'cleanup', '--older-than', '0s', '--yes'])
      expect(refused.items).to.have.length(1)
      expect(refused.items[0]).to.deep.include({id, what: 'refused'})
      expect(refused.items[0]?.next[0]).to.equal(`runctl ${platform} start ${id} --wait`)
      expect(await states()).to.deep.equal({[id]: 'stopped'})

      const removed = await bench.json<ResourceCleanup>(['resources', 'cleanup', '--older-than', '0s', '--start-to-save', '--yes'])
      expect(removed.items[0]).to.include({id, what: 'removed'})
      expect(await states()).to.deep.equal({})
      const copies = await readdir(path.join(bench.project, 'runctl-checkpoints', id), {recursive: true})
      expect(copies.some(name => /checkpoint_epoch_\d+\.json$|\.pt$/.test(name)), copies.join(' ')).to.equal(true)
    })

    it('removes what was stopped and is saved, and a half-created one only if running ones are included', async () => {
      const [used, fresh] = [await bench.instance(), await bench.instance()]
      await train(used, '--wait', '--', '--epochs', '1', '--step-seconds', '0')
      await bench.ok([platform, 'pull', used, '--checkpoints'])
      await bench.ok([platform, 'stop', used])
      const done = await bench.json<ResourceCleanup>(['resources', 'cleanup', '--older-than', '0s', '--include-running', '--yes'])
      expect(Object.fromEntries(done.items.map(({id, what}) => [id, what]))).to.deep.equal({[used]: 'removed', [fresh]: 'left-alone'})
      expect(done.items.find(item => item.id === fresh)?.why).to.include('less than an hour ago')
      expect(await states()).to.deep.equal({[fresh]: 'running'})
    })

    it('a flag that says both is refused', async () => {
      expect((await bench.jsonError(['resources', 'cleanup', '--yes', '--dry-run'])).error.code).to.equal('bad_input')
    })
  })
}
