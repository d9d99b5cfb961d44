import {existsSync} from 'node:fs'
import path from 'node:path'
import {expect} from 'chai'

import {Bench} from '../support/bench.js'
import {know, RealShell, type ShellName} from './real-shell.js'

const ID = 'local-1a'
const HOSTILE = 'checkpoints/$(touch PWNED);`touch PWNED`\'"*.pt'
const TAB = '\t'

/** A key each, and what stands on the line then; each in its turn on an empty line. */
const LINES: readonly (readonly [string, string, string])[] = [
  ['a topic', 'runctl loc', 'runctl local '],
  ['a command', 'runctl local termi', 'runctl local terminate '],
  ['a flag', 'runctl run list --lim', 'runctl run list --limit '],
  ['no flag that was given', 'runctl run list --limit 3 --lim', 'runctl run list --limit 3 --lim'],
  ['a value of a choice', 'runctl config set output.format ta', 'runctl config set output.format table '],
  ['a configuration key', 'runctl config get stop.g', 'runctl config get stop.grace '],
  ['the stopped instance for start', 'runctl local start ', 'runctl local start local-2b '],
  ['the running instance for stop', 'runctl local stop ', `runctl local stop ${ID} `],
  ['a second instance, not the first once more', `runctl local status ${ID} `, `runctl local status ${ID} local-2b `],
  ['a run', 'runctl run logs ', 'runctl run logs run-20261123-195501-3f9a07c1 '],
  ['an instance type behind a blank', 'runctl aws create --type g5.x', 'runctl aws create --type g5.xlarge '],
  ['an instance type behind =', 'runctl aws create --type=g5.x', 'runctl aws create --type=g5.xlarge '],
  ['an instance inside of a quote', 'runctl local start "loc', 'runctl local start "local-2b" '],
  ['a platform', 'runctl workflow run aw', 'runctl workflow run aws '],
  ['a script after instances', `runctl local train ${ID} training/train_with_ch`, `runctl local train ${ID} training/train_with_checkpoints.py `],
  ['a script of the one-shot form', 'runctl local training/train_with_ch', 'runctl local training/train_with_checkpoints.py '],
  ['a file behind a flag', 'runctl local train.py --data training/train_with_ch', 'runctl local train.py --data training/train_with_checkpoints.py '],
  ['a file behind --', `runctl local exec ${ID} -- training/train_with_ch`, `runctl local exec ${ID} -- training/train_with_checkpoints.py `],
  ['nothing where nothing can stand', 'runctl run list train', 'runctl run list train'],
  ['a name with a colon', `runctl checkpoint info --instance-id ${ID} checkpoints/a:b`, `runctl checkpoint info --instance-id ${ID} checkpoints/a:b=c.pt `],
]

for (const shell of ['bash', 'zsh', 'fish'] as const satisfies readonly ShellName[]) {
  describe(`completion in a real ${shell}`, () => {
    let bench: Bench
    let terminal: RealShell

    before(async function () {
      if (!RealShell.isThere(shell)) {
        console.log(`      skipped: ${shell} or python3 is not installed here`)
        this.skip()
      }
      bench = await Bench.create()
      terminal = await RealShell.setUp(bench, shell)
      const instance = (id: string, state: string, name: string): object => ({id, name, state, type: null, project: 'demo', createdAt: '2026-11-23T19:55:01Z'})
      const checkpoint = (name: string): object => ({path: name, instance: ID, run: null, state: 'complete', step: 3})
      await know(bench, 'local', {
        instances: [instance(ID, 'running', 'box $(touch PWNED)\n`touch PWNED`\u001b[2J\u001b]0;PWNED\u0007'), instance('local-2b', 'stopped', 'box two')] as never,
        runs: [{id: 'run-20261123-195501-3f9a07c1', instance: ID, state: 'running', script: 'train.py', project: 'demo'}],
        checkpoints: [HOSTILE, 'checkpoints/epoch 1.json', 'checkpoints/a:b=c.pt', 'checkpoints/evil\n$(touch PWNED)', 'checkpoints/\u001b[2Jevil', '-rf'].map(checkpoint) as never,
      })
      await know(bench, 'aws', {suggestions: {type: [{value: 'g5.xlarge', description: '1 A10G'}, {value: 'g6e.12xlarge', description: '4 L40S'}]}})
    })
    after(() => bench?.destroy())
    afterEach(() => expect(existsSync(path.join(bench.project, 'PWNED'))).to.be.false)

    it('completes commands, flags, values and files', async () => {
      const lines = LINES
      const typed = await terminal.type(lines.map(([, keys]) => keys + TAB))
      expect(Object.fromEntries(lines.map(([what], at) => [what, typed[at]?.line]))).to.deep.equal(Object.fromEntries(lines.map(([what, , wanted]) => [what, wanted])))
    })

    it('gives a file name with blanks and code back as one word, which runs nothing', async () => {
      const start = `runctl checkpoint info --instance-id ${ID} checkpoints/`
      const [hostile, blank, resumed] = await terminal.type([`${start}\\$${TAB}`, `${start}ep${TAB}`, `runctl local train ${ID} train.py --resume=checkpoints/ep${TAB}`])
      expect(terminal.wordsOf(hostile!.line).at(-1)).to.equal(HOSTILE)
      expect(terminal.wordsOf(blank!.line).at(-1)).to.equal('checkpoints/epoch 1.json')
      expect(terminal.wordsOf(resumed!.line).at(-1)).to.equal('--resume=checkpoints/epoch 1.json')
    })

    it('never offers what cannot stand on a line, and shows names without what a terminal would obey', async () => {
      const [evil, flag, menu] = await terminal.type([
        `runctl checkpoint info --instance-id ${ID} checkpoints/evi${TAB}`,
        `runctl checkpoint info --instance-id ${ID} -r${TAB}`,
        // What they have in common is put there first.
        {keys: `runctl local terminate local-${TAB}${TAB}`, see: shell === 'bash' ? 'local-2b' : 'box two, stopped'},
      ])
      expect(evil!.line).to.equal(`runctl checkpoint info --instance-id ${ID} checkpoints/evi`)
      expect(flag!.line).to.not.contain('-rf')
      // bash shows no descriptions.
      if (shell !== 'bash') expect(menu!.screen).to.contain('box $(touch PWNED)')
      expect(menu!.screen).to.not.match(/\u001b(\]0;PWNED|\[2J)/)
    })
  })
}
