import {expect} from 'chai'

import type {TrainJson} from '../../src/cli/verbs/train.js'
import type {RunRow} from '../../src/core/list-runs.js'
import type {Checkpoint} from '../../src/model/checkpoint.js'
import {ACCOUNTS, type OpenAccount} from './support/accounts.js'
import {type Bench, collect, until} from './support/bench.js'
import {KEEPS_BEST} from './support/samples.js'

const QUICK = ['--step-seconds', '0']

for (const {open, platform, skipped, title} of ACCOUNTS) {
  describe(`the usage patterns, on ${title}`, () => {
    let account: OpenAccount
    let bench: Bench
    let id: string

    before(async function () {
      if (skipped !== null) this.skip()
      account = await open({'script.py': KEEPS_BEST})
      bench = account.bench
      id = await bench.instance()
    })
    after(() => account?.close())

    it('1: a quick run, a full run, and one that resumes from the best checkpoint', async () => {
      const train = (...args: readonly string[]): Promise<TrainJson> => bench.json<TrainJson>([platform, 'train', id, 'script.py', '--sync-code', '--wait', '--', ...args, ...QUICK])
      const quick = await train('--epochs', '1')
      expect(quick.sync?.files_sent).to.be.greaterThan(0)
      const full = await train('--epochs', '10', '--checkpoint-interval', '2')
      expect(full.sync).to.deep.include({files_sent: 0, files_written: 0})
      const {run} = await train('--epochs', '11', '--resume-from', 'checkpoints/best.pt')
      expect(run).to.deep.include({reason: 'completed', exit_code: 0})
      const log = await bench.ok(['run', 'logs', run.run_id])
      expect(log.stdout).to.contain('resumed from checkpoints/best.pt at epoch 10, step 200')
      expect(await bench.readHome(id, 'projects', 'project', 'outputs', 'epochs.log')).to.match(/epoch 10\nepoch 11\n$/)
    })

    it('1: sends an edit, and only that, with the next run', async () => {
      await bench.write('script.py', `${KEEPS_BEST}# tuned\n`)
      const {sync} = await bench.json<TrainJson>([platform, 'train', id, 'script.py', '--sync-code', '--wait', '--', '--epochs', '1', ...QUICK])
      expect(sync).to.deep.include({files_sent: 1, files_written: 1, rounds: 1})
      expect(sync?.changes).to.deep.include({added: 0, changed: 1, removed: 0, examples: [{path: 'script.py', what: 'changed'}]})
      expect(await bench.readHome(id, 'projects', 'project', 'script.py')).to.contain('# tuned')
    })

    it('2: learning rates one after another, each with a run of its own', async () => {
      const rates = ['0.001', '0.01', '0.1']
      for (const rate of rates) {
        await bench.ok([platform, 'train', id, 'script.py', '--sync-code', '--wait', '--', '--learning-rate', rate, '--epochs', '5', ...QUICK])
      }
      const runs = await bench.json<readonly RunRow[]>(['run', 'list', '--limit', '3'])
      expect(runs.map(({args}) => args[1])).to.deep.equal(rates.toReversed())
      expect(runs.map(({reason}) => reason)).to.deep.equal(['completed', 'completed', 'completed'])
    })

    it('2: a rate at which the training diverges fails with its own exit status and its last words', async () => {
      const failure = await bench.jsonError([platform, 'train', id, 'script.py', '--wait', '--', '--learning-rate', '1e300', '--epochs', '5', ...QUICK])
      expect(failure.error).to.deep.include({code: 'training_failed', exit_code: 10})
      expect(failure.error.details['exit_code']).to.equal(1)
      expect((failure.error.details['last_log_lines'] as readonly string[]).join('\n')).to.contain('try a smaller --learning-rate')
    })

    it('4: three instances train at the same time, each on its own disk', async () => {
      const ids = [id, ...(await Promise.all([bench.instance(), bench.instance()]))]
      const argv = (instance: string): readonly string[] => [platform, 'train', instance, 'script.py', '--sync-code', '--project-name', 'sweep', '--json', '--', '--epochs', '10', '--step-seconds', '0.01']
      const outcomes = await Promise.all(ids.map(instance => collect(bench.spawn(argv(instance)), 30_000)))
      for (const {code, stderr} of outcomes) expect(code, stderr).to.equal(0)
      const started = outcomes.map(({stdout}) => (JSON.parse(stdout) as TrainJson).run)
      expect(new Set(started.map(({run_id}) => run_id)).size).to.equal(3)

      let runs: readonly RunRow[] = []
      await until(async () => {
        runs = (await bench.json<readonly RunRow[]>(['run', 'list'])).filter(({run_id}) => started.some(run => run.run_id === run_id))
        return runs.every(({state}) => state === 'stopped')
      }, 40_000, 'the three runs end')
      expect(runs.map(({instance_id}) => instance_id)).to.have.members(ids)
      const times = runs.map(({ended_at, started_at}) => [started_at ?? '', ended_at ?? ''] as const)
      const lastStart = times.map(([start]) => start).toSorted().at(-1) ?? ''
      for (const [, end] of times) expect(end > lastStart, 'each was still running when the last one began').to.equal(true)
      for (const {checkpoint_count, reason, run_id} of runs) {
        expect({checkpoint_count, reason}).to.deep.equal({checkpoint_count: 11, reason: 'completed'})
        const listed = await bench.json<readonly Checkpoint[]>(['checkpoint', 'list', '--run', run_id])
        expect(listed.filter(({state}) => state === 'complete')).to.have.length(10)
      }
    })
  })
}
