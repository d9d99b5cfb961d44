import {expect} from 'chai'
import {randomBytes} from 'node:crypto'
import {mkdir, symlink} from 'node:fs/promises'
import path from 'node:path'

import {isRunctlError} from '../../../src/model/errors.js'
import {pushFiles, type PushDeps} from '../../../src/core/sync/push-files.js'
import {AgentOnThisMachine} from './agent-on-this-machine.js'
import {makeTempFolder, readTree, writeTree} from './temp-folder.js'

describe('pushFiles', () => {
  let temp: Awaited<ReturnType<typeof makeTempFolder>>
  let agent: AgentOnThisMachine
  let deps: PushDeps
  let cwd: string

  beforeEach(async () => {
    temp = await makeTempFolder()
    agent = await AgentOnThisMachine.create()
    cwd = path.join(temp.path, 'here')
    await mkdir(cwd)
    deps = {agent, cacheDir: path.join(temp.path, 'cache'), clock: {now: () => new Date()}}
  })
  afterEach(async () => {
    await agent.dispose()
    await temp.remove()
  })

  const push = (source: string, destination: string | null = null) => pushFiles({source, destination, cwd}, deps)
  const remoteFiles = async (): Promise<string[]> => Object.keys(await readTree(agent.home)).filter(name => !name.startsWith('.runctl')).sort()

  it('puts a file into the home folder under its own name, in one call', async () => {
    await writeTree(cwd, {'model.pt': 'weights'})
    const report = await push('model.pt')
    expect(report).to.include({destination: 'model.pt', files_total: 1, files_sent: 1, bytes_sent: 7, rounds: 1})
    expect(await remoteFiles()).to.deep.equal(['model.pt'])
  })

  it('names a file as the destination says, or puts it into a folder that is there or has a slash at its end', async () => {
    await writeTree(cwd, {'model.pt': 'weights'})
    await mkdir(path.join(agent.home, 'there'))
    expect((await push('model.pt', 'best.pt')).destination).to.equal('best.pt')
    expect((await push('model.pt', 'there')).destination).to.equal('there/model.pt')
    expect((await push('model.pt', 'new/deep/')).destination).to.equal('new/deep/model.pt')
    expect((await push('model.pt', '~/x/y.pt')).destination).to.equal('x/y.pt')
    expect((await push('model.pt', path.join(agent.home, 'abs.pt'))).destination).to.equal(path.join(agent.home, 'abs.pt'))
    expect(await remoteFiles()).to.deep.equal(['abs.pt', 'best.pt', 'new/deep/model.pt', 'there/model.pt', 'x/y.pt'])
  })

  it('sends a folder with all that ignore files would leave out, twice to the same place, and removes nothing', async () => {
    await writeTree(cwd, {'set/.gitignore': '*', 'set/a.csv': '1', 'set/node_modules/x.js': '2', 'set/.git/config': '3'})
    await writeTree(agent.home, {'data/set/kept.txt': 'kept'})
    await push('set', 'data/set')
    const again = await push('set', 'data/set')
    expect(again.files_written).to.equal(0)
    expect(await remoteFiles()).to.deep.equal(['data/set/.git/config', 'data/set/.gitignore', 'data/set/a.csv', 'data/set/kept.txt', 'data/set/node_modules/x.js'])
    expect((await push('set/', 'into/')).destination).to.equal('into/set')
  })

  it('sends what is there already only once, also in small calls', async () => {
    agent.maxInputBytes = 24_000
    await writeTree(cwd, {'big.bin': randomBytes(90_000)})
    expect((await push('big.bin')).bytes_sent).to.equal(90_000)
    expect(await push('big.bin')).to.include({bytes_sent: 0, files_sent: 0, files_written: 0})
  })

  it('refuses a link that leads out of the folder, and a source that is not there', async () => {
    await mkdir(path.join(cwd, 'set'))
    await symlink('/etc/passwd', path.join(cwd, 'set', 'link'))
    for (const [source, code] of [['set', 'bad_input'], ['nothing', 'not_found']] as const) {
      const error = await push(source).then(() => null, (reason: unknown) => reason)
      expect(isRunctlError(error) && error.code).to.equal(code)
    }
    expect(agent.calls).to.deep.equal([])
  })
})
