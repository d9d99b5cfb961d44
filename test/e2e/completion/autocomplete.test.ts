import {mkdir, readFile, stat, writeFile} from 'node:fs/promises'
import path from 'node:path'
import {expect} from 'chai'

import type {CompletionSetup} from '../../../src/model/completion-setup.js'
import {Bench} from '../support/bench.js'

describe('runctl autocomplete', () => {
  let bench: Bench
  let home: string
  beforeEach(async () => {
    bench = await Bench.create()
    home = path.join(bench.root, "o'home")
    await mkdir(home)
  })
  afterEach(() => bench.destroy())

  const run = (argv: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<CompletionSetup> => bench.json(['autocomplete', ...argv], {env: {HOME: home, ...env}})

  it('says what is needed and writes nothing', async () => {
    const setup = await run(['bash'])
    expect(setup).to.deep.include({shell: 'bash', installed: false, changed: [], startup_file: path.join(home, process.platform === 'darwin' ? '.bash_profile' : '.bashrc')})
    expect(await stat(setup.startup_file ?? '').catch(() => null)).to.equal(null)
    const {stdout} = await bench.ok(['autocomplete', 'bash'], {env: {HOME: home}})
    expect(stdout).to.contain('runctl autocomplete bash --install').and.to.contain(setup.line)
  })

  for (const shell of ['bash', 'zsh', 'fish']) {
    it(`sets ${shell} up once, however often it is asked to, and says what it wrote`, async () => {
      const first = await run([shell, '--install'])
      expect(first).to.deep.include({installed: true, changed: [first.script_file, first.startup_file].filter(file => file !== null)})
      expect(await readFile(first.script_file ?? '', 'utf8')).to.equal(first.script)
      expect(await run([shell, '--install'])).to.deep.include({installed: true, changed: []})
      expect(await run([], {SHELL: `/usr/bin/${shell}`})).to.deep.include({shell, installed: true})
      if (first.startup_file !== null) expect(await readFile(first.startup_file, 'utf8')).to.equal(`${first.line}\n`)
    })
  }

  it('leaves the rest of a startup file as it is, and replaces a line of earlier times', async () => {
    const file = path.join(home, '.zshrc')
    await writeFile(file, 'alias ll="ls -l"', {mode: 0o640})
    const {line} = await run(['zsh', '--install'])
    expect(await readFile(file, 'utf8')).to.equal(`alias ll="ls -l"\n${line}\n`)
    expect((await stat(file)).mode & 0o777).to.equal(0o640)
    await run(['zsh', '--install'], {RUNCTL_DATA_DIR: path.join(bench.root, 'elsewhere')})
    const text = await readFile(file, 'utf8')
    expect(text).to.contain('elsewhere').and.not.contain(line)
    expect(text.match(/# runctl completion/g)).to.have.lengthOf(1)
  })

  it('prints the script alone for eval', async () => {
    const {stdout} = await bench.ok(['autocomplete', 'fish', '--script'])
    expect(stdout.trim()).to.equal((await run(['fish'])).script?.trim())
  })

  it('leaves a startup file that is no text alone', async () => {
    await writeFile(path.join(home, '.zshrc'), Buffer.from([0xff, 0xfe, 0x00]))
    expect((await bench.jsonError(['autocomplete', 'zsh', '--install'], {env: {HOME: home}})).error.code).to.equal('bad_input')
    expect(await readFile(path.join(home, '.zshrc'))).to.deep.equal(Buffer.from([0xff, 0xfe, 0x00]))
  })

  it('names the shells where SHELL names none of them; powershell is told what to do', async () => {
    expect((await bench.jsonError(['autocomplete'], {env: {SHELL: '/bin/tcsh'}})).error.message).to.contain('tcsh')
    expect(await run(['powershell'])).to.deep.include({shell: 'powershell', installed: false})
    expect((await bench.jsonError(['autocomplete', 'powershell', '--install'])).error.code).to.equal('bad_input')
  })
})
