import {expect} from 'chai'
import {userInfo} from 'node:os'

import type {ResourceCleanup} from '../../../../src/core/clean-up.js'
import type {StopAllItem} from '../../../../src/core/stop-all.js'
import type {Insight} from '../../../../src/model/insight.js'
import {TAGS} from '../../../../src/model/instance.js'
import {userPolicy, type PolicyStatement} from '../../../../src/providers/aws/setup/policies.js'
import type {WantedRecord} from '../../../bench/ec2/add.js'
import {Bench} from '../../support/bench.js'

const DAY_MS = 86_400_000
const daysAgo = (days: number): Date => new Date(Math.floor((Date.now() - days * DAY_MS) / 1000) * 1000)
const LAUNCHED = daysAgo(30)

const MINE = {[TAGS.createdBy]: '0.1.0', [TAGS.owner]: userInfo().username, [TAGS.project]: 'mnist'}
const THEIRS = {...MINE, [TAGS.owner]: 'somebody-else'}
const OLDER = {...MINE, [TAGS.createdBy]: '0.0.3'}
/** What a stop leaves behind that found every checkpoint elsewhere. */
const SAVED = {[TAGS.lastRun]: 'run-20261001-100000-3f9a07c1', [TAGS.onlyHere]: '0', [TAGS.onlyHereOf]: LAUNCHED.toISOString()}

const stopped = (tags: Readonly<Record<string, string>>, days = 20): WantedRecord => ({state: 'stopped', at: LAUNCHED, stoppedAt: daysAgo(days), tags})
const running = (tags: Readonly<Record<string, string>>, at = LAUNCHED): WantedRecord => ({state: 'running', at, tags})

const isTagged = ({Condition}: PolicyStatement): boolean => Condition?.['Null']?.['aws:ResourceTag/runctl:created-by'] === 'false'

/** Disks and the like: some hang on an instance, some on nothing. */
interface Things {
  readonly free: string
  readonly freeOfTheirs: string
  readonly freeUntagged: string
  readonly freeYoung: string
  readonly snapshot: string
  readonly snapshotOfAnImage: string
  readonly snapshotUntagged: string
  readonly address: string
  readonly addressInUse: string
}

/** Everything that a clean-up may come across, by what it is. */
const ACCOUNT = {
  'mine, saved': stopped({...MINE, ...SAVED}),
  'mine, never used': stopped(MINE),
  'of an older version': stopped({...OLDER, ...SAVED}),
  'mine, stopped lately': stopped({...MINE, ...SAVED}, 2),
  'mine, with only copies': stopped({...MINE, ...SAVED, [TAGS.onlyHere]: '3'}),
  'mine, nobody knows': stopped({...MINE, [TAGS.lastRun]: 'run-20261001-100000-3f9a07c1'}),
  'mine, counted before it ran again': stopped({...MINE, ...SAVED, [TAGS.onlyHereOf]: daysAgo(90).toISOString()}),
  theirs: stopped({...THEIRS, ...SAVED}),
  'theirs, running': running(THEIRS),
  untagged: stopped({}),
  'untagged, running': running({}),
  'with a name and an owner, but not runctl\'s': stopped({Name: 'runctl', [TAGS.owner]: userInfo().username}),
  'without an owner': stopped({[TAGS.createdBy]: '0.1.0', ...SAVED}),
  'half-created, stopped': stopped({...MINE, [TAGS.createRequest]: 'req-1'}),
  'half-created, running, of no profile': {...running({...MINE, [TAGS.createRequest]: 'req-2'}), profile: null},
  'half-created, running, silent': running({...MINE, [TAGS.createRequest]: 'req-3'}),
  'being created': running({...MINE, [TAGS.createRequest]: 'req-4'}, new Date()),
  'mine, in use': running({...MINE, [TAGS.lastRun]: 'run-20261001-100000-3f9a07c1'}),
} as const satisfies Readonly<Record<string, WantedRecord>>
type Name = keyof typeof ACCOUNT

const GOES: readonly Name[] = ['mine, saved', 'mine, never used', 'of an older version', 'half-created, stopped']
const REFUSED: readonly Name[] = ['mine, with only copies', 'mine, nobody knows', 'mine, counted before it ran again']

describe('an account with other people\'s things in it', function () {
  this.timeout(180_000)
  let bench: Bench
  const ids = new Map<Name, string>()
  const id = (name: Name): string => ids.get(name) ?? ''
  let things: Things
  let volumes: readonly string[]

  beforeEach(async () => {
    bench = await Bench.create({}, {platform: 'aws', aws: {kind: 'folders'}})
    const names = Object.keys(ACCOUNT) as Name[]
    for (const [at, made] of bench.aws.addMany(names.length, index => ACCOUNT[names[index] ?? 'untagged']).entries()) ids.set(names[at] ?? 'untagged', made)
    const {aws} = bench
    things = {
      free: aws.addVolume({gib: 100, tags: MINE, at: LAUNCHED}),
      freeOfTheirs: aws.addVolume({gib: 500, tags: THEIRS, at: LAUNCHED}),
      freeUntagged: aws.addVolume({gib: 1000, at: LAUNCHED}),
      freeYoung: aws.addVolume({gib: 100, tags: MINE}),
      snapshot: aws.addSnapshot({gib: 50, tags: OLDER, at: LAUNCHED}),
      snapshotOfAnImage: aws.addSnapshot({gib: 50, tags: MINE, at: LAUNCHED, imageId: 'ami-0123456789abcdef0'}),
      snapshotUntagged: aws.addSnapshot({gib: 50, at: LAUNCHED}),
      address: aws.addAddress({tags: MINE}),
      addressInUse: aws.addAddress({tags: MINE, instanceId: id('theirs, running')}),
    }
    // A disk with runctl's tag on somebody else's machine: in use, whatever it says.
    const [root] = [...(aws.ec2.state.details.get(id('theirs'))?.volumes.values() ?? [])]
    for (const [key, value] of Object.entries(MINE)) aws.ec2.state.volumes.get(root ?? '')?.tags.set(key, value)
    volumes = held()
    aws.calls.reset()
  })
  afterEach(() => bench.destroy())

  /** The ids of everything besides instances. */
  const held = (): readonly string[] => {
    const {addresses, snapshots, volumes: disks} = bench.aws.ec2.state
    return [...disks.keys(), ...snapshots.keys(), ...addresses.keys()]
  }
  /** The disks that go with these instances. */
  const disksOf = (...names: readonly Name[]): readonly string[] => names.flatMap(name => [...(bench.aws.ec2.state.details.get(id(name))?.volumes.values() ?? [])])
  const states = (): Readonly<Record<string, string>> => Object.fromEntries([...ids].map(([name, one]) => [name, bench.aws.instance(one).state]))
  const untouched = (...but: readonly Name[]): Readonly<Record<string, string>> =>
    Object.fromEntries([...ids.keys()].map(name => [name, but.includes(name) ? 'terminated' : (ACCOUNT[name]).state ?? 'running']))
  const named = (result: ResourceCleanup, what: string): readonly string[] => result.items.filter(item => item.what === what).map(item => [...ids].find(([, one]) => one === item.id)?.[0] ?? item.id)
  const changes = (): readonly string[] => bench.aws.calls.list().map(({operation}) => operation).filter(operation => !/^(Describe|Get|List|SendCommand$|HeadObject)/.test(operation))
  const cleanup = async (...argv: readonly string[]): Promise<ResourceCleanup> => {
    const words = ['resources', 'cleanup', '--platform', 'aws', ...argv, '--json']
    return bench.document<ResourceCleanup>(await bench.run(words), words)
  }

  it('a plan calls nothing that changes anything, with and without --dry-run', async () => {
    for (const argv of [[], ['--dry-run', '--include-running'], ['--older-than', '0s', '--start-to-save']]) await cleanup(...argv)
    expect(changes()).to.deep.equal([])
    expect(states()).to.deep.equal(untouched())
  })

  it('exactly what is long stopped, saved, runctl\'s and yours goes; every id else is as it was', async () => {
    const plan = await cleanup()
    const gone = new Set([...disksOf(...GOES), things.free, things.snapshot])
    const done = await cleanup('--yes')
    expect(named(done, 'removed')).to.have.members([...GOES, things.free, things.snapshot])
    // That an image is made of a snapshot EC2 says only when it is to be deleted.
    expect(named(plan, 'would-remove')).to.have.members([...GOES, things.free, things.snapshot, things.snapshotOfAnImage])
    expect(named(done, 'refused')).to.have.members([...REFUSED])
    expect(named(done, 'left-alone')).to.include.members([things.freeOfTheirs, things.freeUntagged, things.freeYoung, things.snapshotOfAnImage, things.snapshotUntagged, things.address])
    expect(named(done, 'failed')).to.deep.equal([])
    expect(states()).to.deep.equal(untouched(...GOES))
    expect(held()).to.have.members(volumes.filter(one => !gone.has(one)))
    expect([...new Set(changes())]).to.have.members(['TerminateInstances', 'DeleteVolume', 'DeleteSnapshot'])
    expect(done.usd_per_month_less).to.be.greaterThan(8)
    // A second time there is nothing left to do.
    bench.aws.calls.reset()
    expect(named(await cleanup('--yes'), 'removed')).to.deep.equal([])
    // But for the snapshot of the image, which is tried again.
    expect([...new Set(changes())].filter(operation => operation !== 'DeleteSnapshot')).to.deep.equal([])
    expect(held()).to.have.members(volumes.filter(one => !gone.has(one)))
  })

  it('an address goes where its kind is named: nobody knows how old one is', async () => {
    expect(named(await cleanup('--yes', '--kind', 'address'), 'removed')).to.deep.equal([things.address])
    expect(held()).to.have.members(volumes.filter(one => one !== things.address))
    expect(states()).to.deep.equal(untouched())
  })

  it('of another region only with --all-regions, and its commands say which', async () => {
    const far = bench.aws.addMany(1, () => ({...ACCOUNT['mine, saved'], region: 'eu-west-1'}))[0] ?? ''
    const kept = bench.aws.addMany(1, () => ({...ACCOUNT['mine, with only copies'], region: 'eu-west-1'}))[0] ?? ''
    expect((await cleanup()).items.map(item => item.id)).not.to.include(far)
    const done = await cleanup('--yes', '--all-regions', '--kind', 'instance')
    expect(done.items.find(item => item.id === far)).to.include({what: 'removed', region: 'eu-west-1'})
    expect(done.items.find(item => item.id === kept)?.next[0]).to.equal(`RUNCTL_AWS_REGION=eu-west-1 runctl aws start ${kept} --wait`)
    expect(bench.aws.instance(far).state).to.equal('terminated')
    expect(states()).to.deep.equal(untouched(...GOES))
  })

  it('the least rights of a user are enough: each call is allowed, and only by the condition on runctl\'s tag', async () => {
    const {Statement} = userPolicy({account: '123456789012', partition: 'aws', bucket: 'b', roleName: 'runctl-instance'})
    await cleanup('--yes', '--include-running')
    for (const call of bench.aws.calls.list()) {
      const action = `${call.service}:${call.operation}`
      const allowing = Statement.filter(({Action}) => Action.includes(action))
      expect(allowing, action).not.to.deep.equal([])
      if (/^(Delete|Release)/.test(call.operation)) expect(allowing.every(isTagged), action).to.equal(true)
      if (call.operation !== 'TerminateInstances') continue
      expect(allowing.every(isTagged)).to.equal(true)
      for (const touched of call.ids) expect(bench.aws.instance(touched).tags.has(TAGS.createdBy), touched).to.equal(true)
    }
  })

  it('a machine that is started between the plan and its end is left alone, with what runs on it', async () => {
    // The first look is the plan's; what comes after finds it running.
    const started = bench.aws.instance(id('mine, saved'))
    let looks = 0
    bench.aws.inject({operation: 'DescribeInstances', kind: 'latency', ms: 0, when: () => {
      if (++looks === 2) bench.aws.ec2.lifecycle.record(started, 'running', new Date())
      return false
    }})
    const done = await cleanup('--yes')
    expect(done.items.find(item => item.id === started.id)).to.include({what: 'left-alone'})
    expect(states()).to.deep.equal({...untouched(...GOES.filter(name => name !== 'mine, saved')), 'mine, saved': 'running'})
  })

  it('half-created ones that run are named with their command, and ended only where running ones are included', async () => {
    const plan = await cleanup()
    const profileless = plan.items.find(item => item.id === id('half-created, running, of no profile'))
    expect(profileless).to.deep.include({what: 'left-alone', next: [`runctl aws terminate ${id('half-created, running, of no profile')}`]})
    await cleanup('--yes', '--include-running', '--kind', 'instance')
    expect(states()).to.deep.equal(untouched(...GOES, 'half-created, running, of no profile'))
  })

  it('somebody else\'s go only where they are named', async () => {
    expect(named(await cleanup('--yes', '--owner', 'somebody-else'), 'removed')).to.have.members(['theirs', things.freeOfTheirs])
    expect(states()).to.deep.equal(untouched('theirs'))
  })

  it('one refusal of the platform does not stop the rest, and the exit status says so', async () => {
    const kept = id('mine, saved')
    bench.aws.inject({operation: 'TerminateInstances', kind: 'error', code: 'UnauthorizedOperation', status: 403, when: ({body}) => body.includes(kept)})
    const words = ['resources', 'cleanup', '--platform', 'aws', '--yes', '--json']
    const outcome = await bench.run(words)
    const done = bench.document<ResourceCleanup>(outcome, words)
    expect(outcome.code).not.to.equal(0)
    expect(named(done, 'failed')).to.include('mine, saved')
    expect(bench.aws.instance(kept).state).to.equal('stopped')
  })

  it('stop-all stops what is yours and runs; a plan stops nothing', async () => {
    const live = await Promise.all([MINE, THEIRS, {}].map(tags => bench.aws.addInstance({tags})))
    const once = await bench.aws.addInstance({tags: MINE, spot: 'one-time'})
    const before = states()
    const plan = await bench.json<readonly StopAllItem[]>(['resources', 'stop-all', '--platform', 'aws'])
    expect(plan.filter(({what}) => what === 'would-stop').map(one => one.id)).to.include(live[0]).and.not.to.include.members([live[1], live[2], once])
    expect(changes()).to.deep.equal([])
    const words = ['resources', 'stop-all', '--platform', 'aws', '--yes', '--json']
    const outcome = await bench.run(words)
    const done = bench.document<readonly StopAllItem[]>(outcome, words)
    expect(done.filter(({what}) => what === 'stopped').map(one => one.id)).to.deep.equal([live[0]])
    expect([...live, once].map(one => bench.aws.instance(one ?? '').state)).to.deep.equal(['stopped', 'running', 'running', 'running'])
    // Those records have no machine: none of them can be saved, and so all of them run on, named with a command.
    const failed = done.filter(({what}) => what === 'failed')
    expect(failed.length).to.be.greaterThan(0)
    expect(failed.every(({next}) => next.length > 0)).to.equal(true)
    expect(outcome.code).not.to.equal(0)
    expect(states()).to.deep.equal(before)
  })

  it('insights change nothing, and claim nothing of machines that do not answer', async () => {
    const found = await bench.json<readonly Insight[]>(['resources', 'insights', '--platform', 'aws'])
    expect(found.filter(({kind}) => kind === 'idle' || kind === 'oversized')).to.deep.equal([])
    expect(found.filter(({kind}) => kind === 'unsynced').map(one => one.id)).to.deep.equal([id('mine, with only copies')])
    expect(changes()).to.deep.equal([])
  })
})
