import {mkdir, writeFile} from 'node:fs/promises'
import path from 'node:path'
import {expect} from 'chai'

import CheckpointList from '../../src/commands/checkpoint/list.js'
import ResourcesList from '../../src/commands/resources/list.js'
import RunList from '../../src/commands/run/list.js'
import RunShow from '../../src/commands/run/show.js'
import Status from '../../src/commands/status.js'
import {RunctlError} from '../../src/model/errors.js'
import type {PlatformDefinition, ProviderEnvironment} from '../../src/providers/provider.js'
import {CommandHost, definitionOf} from '../support/command-host.js'
import {MemoryProvider, sampleInstance} from '../support/memory-provider.js'

const NO_CREDENTIALS = new RunctlError('platform_failed', 'no credentials were found', {next: ['cloud login']})
const RUN = 'run-20261123-120000-abcd'

describe('a command over all platforms', () => {
  let host: CommandHost
  let platforms: readonly PlatformDefinition[]
  const working = (): PlatformDefinition => definitionOf('mem', async () => new MemoryProvider([], sampleInstance({state: 'stopped'})))
  const cannotOpen = (over: Partial<PlatformDefinition> = {}): PlatformDefinition => definitionOf('cloud', () => Promise.reject(NO_CREDENTIALS), over)
  const cannotList = (): PlatformDefinition => definitionOf('cloud', async () => {
    const provider = new MemoryProvider([], null)
    provider.describeInstances = async function* () {
      throw NO_CREDENTIALS
    }
    return provider
  })
  before(async () => (host = await CommandHost.create(() => platforms)))
  after(() => host.remove())

  it('shows the others where one cannot be opened or asked, with one warning that names the fix', async () => {
    for (const broken of [cannotOpen(), cannotList()]) {
      platforms = [broken, working()]
      for (const [command, argv, code] of [[Status, [], undefined], [ResourcesList, [], undefined], [RunList, [], undefined], [RunShow, [RUN], 3], [CheckpointList, ['--run', RUN], 3]] as const) {
        const outcome = await host.run(command, [...argv, '--json'])
        expect(outcome.code, command.name).to.equal(code)
        expect(outcome.stderr, command.name).to.equal('Warning: cloud is left out: no credentials were found; try: cloud login\n')
        if (command === ResourcesList) expect((JSON.parse(outcome.stdout) as readonly {id: string}[]).map(({id}) => id)).to.deep.equal(['mem-1'])
      }
    }
  })

  it('fails with its exit status where it is named', async () => {
    for (const broken of [cannotOpen(), cannotList()]) {
      platforms = [broken, working()]
      const {code, stderr} = await host.run(ResourcesList, ['--platform', 'cloud'])
      expect([code, stderr]).to.deep.equal([6, 'Error: no credentials were found\nNext: cloud login\n'])
    }
  })

  it('says nothing of one that nobody has set up, and does not open it', async () => {
    let opened = 0
    const create = (): never => {
      opened++
      throw NO_CREDENTIALS
    }
    platforms = [definitionOf('cloud', async () => create(), {isConfigured: () => false}), working()]
    for (const command of [Status, ResourcesList, RunList]) expect(await host.run(command, [])).to.deep.include({stderr: command === RunList ? 'mem-1 was not asked: it is stopped\n' : '', code: undefined})
    expect(opened).to.equal(0)
    expect((await host.run(ResourcesList, ['--platform', 'cloud'])).code).to.equal(6)
  })

  it('gives a platform the settings of its section, and only those that are set', async () => {
    const seen: ProviderEnvironment['settings'][] = []
    const aws = definitionOf('aws', async ({settings}) => {
      seen.push(settings)
      return new MemoryProvider([], null)
    })
    platforms = [aws, definitionOf('mem', async ({settings}) => {
      seen.push(settings)
      return new MemoryProvider([], null)
    })]
    await mkdir(host.folder, {recursive: true})
    await writeFile(path.join(host.folder, 'config.toml'), '[aws]\nregion = "eu-central-1"\nroot_gib = 100\nsecurity_groups = ["sg-1"]\n')
    await host.run(Status, [])
    expect(seen).to.have.deep.members([{region: 'eu-central-1', root_gib: 100, security_groups: ['sg-1']}, {}])
  })
})
