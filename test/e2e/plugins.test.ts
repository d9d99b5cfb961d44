import {cp, mkdir, symlink, writeFile} from 'node:fs/promises'
import path from 'node:path'
import {expect} from 'chai'

import type {WorkflowResult} from '../../src/core/run-workflow.js'
import {Bench, collect, type Outcome} from './support/bench.js'
import {validated} from './support/json-schema.js'
import {REPOSITORY} from './support/repository.js'

describe('a plugin', () => {
  let bench: Bench
  let shed: string

  before(async () => {
    bench = await Bench.create({'train.py': 'import os\nopen(os.path.join(os.environ["RUNCTL_CHECKPOINT_DIR"], "c_1.json"), "w").write("{}")\nprint("trained in the shed")\n'})
    shed = path.join(bench.root, 'shed')
    await cp(path.join(REPOSITORY, 'test/e2e/shed-plugin'), shed, {recursive: true})
    // For its command; its platform needs nothing at run time.
    await mkdir(path.join(shed, 'node_modules', '@oclif'), {recursive: true})
    await symlink(path.join(REPOSITORY, 'node_modules', '@oclif', 'core'), path.join(shed, 'node_modules', '@oclif', 'core'))
  })
  after(() => bench.destroy())

  /** With the folders of a user who has none yet, and no network. */
  const run = (argv: readonly string[]): Promise<Outcome> => {
    const home = path.join(bench.root, 'home')
    const xdg = {XDG_DATA_HOME: path.join(home, 'data'), XDG_CONFIG_HOME: path.join(home, 'config'), XDG_CACHE_HOME: path.join(home, 'cache')}
    const own = {RUNCTL_DATA_DIR: '', RUNCTL_CONFIG_DIR: '', RUNCTL_CACHE_DIR: ''}
    const child = bench.spawn(argv, {env: {...own, ...xdg, HOME: home, npm_config_offline: 'true', npm_config_audit: 'false', npm_config_fund: 'false', NO_COLOR: '1'}})
    return collect(child, 60_000, argv)
  }
  const ok = async (...argv: readonly string[]): Promise<Outcome> => {
    const {code, stderr, stdout} = await run(argv)
    expect(code, `${argv.join(' ')}\n${stdout}${stderr}`).to.equal(0)
    return {code, stdout, stderr}
  }

  it('that is not there has no commands, and its platform is unknown', async () => {
    expect((await ok('plugins')).stdout).to.match(/no plugins installed/i)
    expect(await run(['shelves'])).to.deep.include({code: 2, stdout: ''})
    expect((await run(['workflow', 'run', 'shed', 'train.py'])).stderr).to.contain('shed')
  })

  it('that is linked adds a command, with JSON and help', async () => {
    await ok('plugins', 'link', shed)
    expect((await ok('plugins', '--output', 'text')).stdout).to.equal(`runctl-plugin-shed\t1.0.0\tlinked\t${shed}\n`)
    expect((await ok('shelves')).stdout).to.equal('top\nbottom\n')
    expect(JSON.parse((await ok('shelves', '--json')).stdout)).to.deep.equal(['top', 'bottom'])
    expect((await ok('--help')).stdout).to.match(/^ +shelves +List the shelves of the shed\.$/m)
  })

  it('adds a platform with every verb and a flag of its own, listed beside the others', async () => {
    const help = (await ok('shed', '--help')).stdout
    for (const verb of ['create', 'exec', 'monitor', 'processes', 'pull', 'push', 'start', 'status', 'stop', 'terminate', 'train', 'wait']) expect(help).to.match(new RegExp(`^ +shed ${verb} +\\S`, 'm'))
    const created = await ok('shed', 'create', '--shelf', 'low', '--json')
    const {instance} = validated(created.stdout, 'create') as {readonly instance: {readonly id: string; readonly instance_type: string}}
    expect([instance.id, instance.instance_type]).to.deep.equal(['shed-1', 'low'])
    expect((await ok('shed', 'exec', 'shed-1', 'echo $((6 * 7)); pwd')).stdout).to.match(/^42\n.*\/shed\/shed-1\n$/)
    expect((await ok('resources', 'list', '--output', 'text')).stdout).to.match(/^shed-1\t/)
    expect((await run(['shed', 'status', 'shed-7'])).stderr).to.match(/^Error: there is no instance shed-7|^Error: there is no machine shed-7/m)
  })

  it('trains on its platform in one command, from nothing to a verified checkpoint', async () => {
    const {stdout} = await ok('workflow', 'run', 'shed', 'train.py', '--json')
    const {checkpoints, run: trained} = validated(stdout, 'workflow-run') as WorkflowResult
    expect([trained.reason, checkpoints.map(({state}) => state)]).to.deep.equal(['completed', ['complete']])
  })

  it('takes part in what happens: a step is run, and one that refuses stops it before anything is made', async () => {
    expect((await ok('shed', 'create')).stderr).to.match(/^the plugin saw shed-3 on shed$/m)
    expect((await ok('local', 'create')).stderr).to.match(/^the plugin saw local-[0-9a-f]+ on local$/m)
    const {code, stderr} = await run(['shed', 'create', '--shelf', 'roof'])
    expect([code, stderr]).to.deep.equal([13, 'Error: step of runctl-plugin-shed at precreate: nothing is put on the roof\nNext: runctl shed create --shelf roof --no-plugin-steps\n'])
    const ids = (JSON.parse((await ok('resources', 'list', '--json')).stdout) as readonly {readonly id: string}[]).map(({id}) => id)
    expect(ids.filter(id => id.startsWith('shed-')).toSorted()).to.deep.equal(['shed-1', 'shed-2', 'shed-3'])
    for (const id of ids) await ok(id.split('-')[0] ?? '', 'terminate', id, '--force')
  })

  it('is gone after unlink', async () => {
    await ok('plugins', 'unlink', 'runctl-plugin-shed')
    expect((await ok('plugins')).stdout).to.match(/no plugins installed/i)
    expect((await run(['shelves'])).code).to.equal(2)
    expect((await run(['shed', 'create'])).code).to.equal(2)
  })

  it('with one step is installed from a folder without a network, as docs/hooks.md says, and uninstalled', async () => {
    const folder = path.join(bench.root, 'notify')
    await mkdir(folder)
    const manifest = {name: 'runctl-plugin-notify', version: '1.0.0', type: 'module', files: ['postcreate.js'], oclif: {hooks: {postcreate: ['./postcreate.js']}}}
    await writeFile(path.join(folder, 'package.json'), JSON.stringify(manifest))
    await cp(path.join(shed, 'postcreate.js'), path.join(folder, 'postcreate.js'))
    await ok('plugins', 'install', `file:${folder}`)
    expect((await ok('plugins')).stdout).to.match(/^runctl-plugin-notify 1\.0\.0 \(installed\)$/m)
    const created = await ok('local', 'create', '--output', 'text')
    expect(created.stderr).to.contain('the plugin saw')
    await ok('plugins', 'uninstall', 'runctl-plugin-notify')
    expect((await ok('local', 'terminate', created.stdout.trim())).stderr).to.not.contain('the plugin saw')
    expect((await ok('plugins')).stdout).to.match(/no plugins installed/i)
  })
})
