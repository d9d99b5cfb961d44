import {execFileSync} from 'node:child_process'
import {readFile} from 'node:fs/promises'
import path from 'node:path'
import {expect} from 'chai'

import {Bench, collect, type Outcome} from '../e2e/support/bench.js'
import {REPOSITORY} from '../e2e/support/repository.js'

const FOLDER = path.join(REPOSITORY, 'examples', 'team-plugin')

describe('examples/team-plugin', () => {
  let bench: Bench
  before(async () => {
    bench = await Bench.create({'.runctl.toml': '[team]\nmax_usd_per_hour = 5.0\nname_required = true\n'}, {platform: 'local'})
    execFileSync('npm', ['pack', '--silent', '--pack-destination', bench.root], {cwd: FOLDER, stdio: 'pipe'})
  })
  after(() => bench.destroy())

  const run = (...argv: readonly string[]): Promise<Outcome> => {
    const npm = Object.fromEntries(Object.entries(process.env).filter(([name]) => /^npm_config_/i.test(name) || name === 'NODE_EXTRA_CA_CERTS'))
    return collect(bench.spawn(argv, {env: {...npm, npm_config_prefer_offline: 'true', npm_config_audit: 'false', npm_config_fund: 'false'}}), 110_000, argv)
  }

  it('passes its own tests', () => {
    expect(execFileSync(process.execPath, ['--test'], {cwd: FOLDER, encoding: 'utf8'})).to.match(/^# fail 0$/m)
  })

  it('has a manifest of the commands that it has', async () => {
    const {commands} = JSON.parse(await readFile(path.join(FOLDER, 'oclif.manifest.json'), 'utf8')) as {readonly commands: object}
    expect(Object.keys(commands)).to.deep.equal(['team:who'])
  })

  it('installed, has its command, and its rule holds', async () => {
    const installed = await run('plugins', 'install', path.join(bench.root, 'runctl-plugin-team-0.1.0.tgz'))
    expect(installed.code, installed.stdout + installed.stderr).to.equal(0)
    const refused = await run('local', 'create', '--json')
    expect([refused.code, (JSON.parse(refused.stdout) as {error: {message: string}}).error.message]).to.deep.equal([2, 'step of runctl-plugin-team at precreate: our machines have names that say what they are for'])
    const made = await run('local', 'create', '--name', 'ablation', '--output', 'text')
    expect(made.code, made.stderr).to.equal(0)
    const rows = JSON.parse((await run('team', 'who', '--json')).stdout) as readonly {cost_per_hour: number; instances: readonly {id: string; name: string}[]}[]
    expect(rows.map(({cost_per_hour: usd, instances}) => [usd, instances.map(({id, name}) => [id, name])])).to.deep.equal([[0, [[made.stdout.trim(), 'ablation']]]])
    expect((await run('team', 'who')).stdout).to.match(/^".+": \$0\.00\/h, local-[0-9a-f]{8}\n$/)
    expect((await run('plugins', 'uninstall', 'runctl-plugin-team')).code).to.equal(0)
    // A rule that is written down does not go in silence with the plugin that keeps it.
    const without = await run('local', 'create')
    expect([without.code, without.stderr]).to.satisfy(([code, text]: [number, string]) => code === 2 && text.includes('unknown section team') && text.includes('runctl plugins'))
  })
})
