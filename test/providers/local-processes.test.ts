import {setTimeout as delay} from 'node:timers/promises'
import {expect} from 'chai'
import {spawn, type ChildProcess} from 'node:child_process'
import {once} from 'node:events'

import {endInstanceProcesses, findInstanceProcesses} from '../../src/providers/local/instance-processes.js'
import type {LocalProvider} from '../../src/providers/local/local-provider.js'
import {isSameBoot, thisMachine} from '../../src/providers/local/machine.js'
import {parsePs, psArguments, readProcTable, type ProcessInfo} from '../../src/providers/local/process-table.js'
import {isAlive, LocalTestBed, run} from './local-test-bed.js'

const PLACE = {id: 'local-0a1b2c3d', home: '/data/home'}
const SELF = {hasGroup: () => false, pid: 500, uid: 1000}
const MARK = 'RUNCTL_INSTANCE_ID=local-0a1b2c3d'

function info(pid: number, more: Partial<ProcessInfo> = {}): ProcessInfo {
  return {pid, ppid: 1, group: pid, uid: 1000, zombie: false, hasTerminal: false, environment: ['HOME=/home/me'], cwd: '/', ...more}
}

describe('the processes of a local instance', () => {
  const find = (...table: readonly ProcessInfo[]): readonly number[] => findInstanceProcesses(PLACE, table, SELF)

  it('carry its id in their environment, as an entry of its own', () => {
    const others = [info(11, {environment: [`${MARK}e`]}), info(12, {environment: [`NOTE=${MARK}`]})]
    expect(find(info(10, {environment: ['A=1', MARK]}), ...others)).to.deep.equal([10])
  })

  it('descend from one that does, at any depth and in any order of ids', () => {
    expect(find(info(3, {ppid: 20}), info(20, {ppid: 10}), info(10, {environment: [MARK]}), info(30)).toSorted()).to.deep.equal([10, 20, 3])
  })

  it('live in its home with an environment that they have lost', () => {
    const cwd = '/data/home/projects/x'
    expect(find(info(10, {cwd, environment: []}), info(11, {cwd: '/data/home', environment: ['HOME=/data/home']}))).to.deep.equal([10, 11])
    expect(find(info(12, {cwd: '/data/home-of-another', environment: []}), info(13, {cwd: null, environment: []}))).to.deep.equal([])
  })

  it('are not a shell, an editor or another user\'s program that merely stands in the folder', () => {
    const cwd = '/data/home'
    expect(find(
      info(10, {cwd, hasTerminal: true, environment: []}),
      info(11, {cwd, environment: ['HOME=/home/me']}),
      info(12, {cwd, environment: [], uid: 0}),
      info(13, {ppid: 10}),
    )).to.deep.equal([])
  })

  it('are never this process, its ancestors or the dead', () => {
    expect(find(
      info(1, {environment: [MARK]}),
      info(400, {environment: [MARK]}),
      info(500, {ppid: 400, environment: [MARK]}),
      info(501, {ppid: 500, environment: [MARK]}),
      info(502, {environment: [MARK], zombie: true}),
    )).to.deep.equal([501])
  })

  it('are killed until three looks in a row find none, those that come late included', async () => {
    const killed: number[] = []
    const looks = [[info(10, {environment: [MARK]})], [], [info(11, {environment: [MARK]})], [], [], []]
    const machine = {...thisMachine(), ...SELF, processes: () => looks.shift() ?? [], kill: (pid: number) => killed.push(pid) > 0}
    expect(await endInstanceProcesses(PLACE, machine, {ms: 1000})).to.deep.equal([])
    expect([killed, looks]).to.deep.equal([[-10, 10, -11, 11], []])
  })

  it('are killed with their group where nobody else is in it', async () => {
    const killed: number[] = []
    const table = [
      info(10, {environment: [MARK], group: 7}),
      info(11, {environment: [MARK], group: 8}),
      info(12, {group: 8}),
      info(13, {group: 7, zombie: true}),
    ]
    const processes = (): readonly ProcessInfo[] => (killed.length > 0 ? [] : table)
    const machine = {...thisMachine(), ...SELF, processes, kill: (pid: number) => killed.push(pid) > 0}
    await endInstanceProcesses(PLACE, machine, {ms: 1000})
    expect(killed).to.deep.equal([-7, 10, 11])
  })

  it('are killed by their group as long as that has a member which no look finds', async () => {
    const killed: number[] = []
    const looks = [[info(10, {environment: [MARK], group: 7})]]
    let members = 3
    const machine = {...thisMachine(), ...SELF, processes: () => looks.shift() ?? [], kill: (pid: number) => killed.push(pid) > 0, hasGroup: (group: number) => group === 7 && members-- > 0}
    expect(await endInstanceProcesses(PLACE, machine, {ms: 1000})).to.deep.equal([])
    expect(killed).to.deep.equal([-7, 10, -7, -7, -7])
  })

  it('are named where they cannot be killed', async () => {
    const machine = {...thisMachine(), ...SELF, processes: () => [info(10, {environment: [MARK]})], kill: () => false}
    expect(await endInstanceProcesses(PLACE, machine, {ms: 1000})).to.deep.equal([10])
    expect(await endInstanceProcesses(PLACE, {...machine, kill: () => true}, {ms: 20})).to.deep.equal([10])
  })
})

describe('the process table', () => {
  const marked = {...process.env, RUNCTL_INSTANCE_ID: 'local-0a1b2c3d', HOME: '/data/home'}
  let child: ChildProcess
  before(async () => {
    child = spawn('sleep', ['60'], {env: marked, cwd: '/usr', detached: true, stdio: 'ignore'})
    await once(child, 'spawn')
  })
  after(() => child.kill('SIGKILL'))

  it('tells environment, parent and folder of a process from /proc', function () {
    if (process.platform !== 'linux') return this.skip()
    const found = readProcTable().find(({pid}) => pid === child.pid)
    expect(found).to.include({ppid: process.pid, group: child.pid, cwd: '/usr', zombie: false, hasTerminal: false, uid: process.getuid?.()})
    expect(found?.environment).to.include(MARK)
  })

  it('tells environment and parent from ps where there is no /proc', async () => {
    const platform = process.platform === 'darwin' ? 'darwin' : 'freebsd'
    const ps = spawn('ps', psArguments(platform), {stdio: ['ignore', 'pipe', 'inherit']})
    const found = parsePs(Buffer.concat(await ps.stdout.toArray()).toString('latin1')).find(({pid}) => pid === child.pid)
    expect(found).to.include({ppid: process.pid, group: child.pid, cwd: null, zombie: false, hasTerminal: false})
    expect(found?.environment).to.include(MARK)
  })

  it('reads what ps prints on macOS', () => {
    const lines = [
      '  812     1   812   501 ??       S    python3 a.py RUNCTL_INSTANCE_ID=local-0a1b2c3d HOME=/data/home',
      '  900   812   812   501 ttys001  Z+   (sh)',
    ]
    const [first, second] = parsePs(`${lines.join('\n')}\n`)
    expect(first).to.deep.include({pid: 812, ppid: 1, group: 812, uid: 501, hasTerminal: false, environment: [MARK, 'HOME=/data/home']})
    expect(second).to.deep.include({pid: 900, ppid: 812, hasTerminal: true, zombie: true, environment: []})
  })

  it('knows a boot by its id, and a computed boot time although it wobbles', () => {
    expect(isSameBoot('a', 'a')).to.equal(true)
    expect(isSameBoot('a', 'b')).to.equal(false)
    expect(isSameBoot('booted-at-1000', 'booted-at-1002')).to.equal(true)
    expect(isSameBoot('booted-at-1000', 'booted-at-1200')).to.equal(false)
  })
})

describe('stopping a local instance', () => {
  let bed: LocalTestBed
  let provider: LocalProvider
  let id: string
  beforeEach(async () => {
    bed = await LocalTestBed.create()
    provider = bed.provider()
    id = (await provider.createInstance({requestId: 'request-1', tags: {}})).id
  })
  afterEach(() => bed.dispose())

  const SPAWN = 'import os, sys\nif os.fork(): os._exit(0)\nos.setsid()\nif os.fork(): os._exit(0)\n'
  const leave = (how: string): string =>
    `python3 -I -c '${SPAWN}${how}' </dev/null >/dev/null 2>&1; while [ ! -s pid ]; do sleep 0.02; done; cat pid; rm pid`
  const pidFile = 'open("pid.new", "w").write(str(os.getpid())); os.rename("pid.new", "pid"); '

  it('ends daemons, also those that ignore signals or have lost their environment', async () => {
    const pids = [
      await run(provider, id, leave(`${pidFile}import signal as s, time; [s.signal(n, s.SIG_IGN) for n in (1, 2, 15)]; time.sleep(300)`)),
      await run(provider, id, leave(`${pidFile}os.execve("/bin/sleep", ["sleep", "300"], {})`)),
      await run(provider, id, leave(`${pidFile}os.chdir("/"); os.execv("/bin/sleep", ["sleep", "300"])`)),
    ].map(Number)
    expect(pids.map(isAlive)).to.deep.equal([true, true, true])
    expect((await provider.stopInstance(id)).state).to.equal('stopped')
    expect(pids.map(isAlive)).to.deep.equal([false, false, false])
  })

  it('ends what forks as quickly as it is killed', async () => {
    // It never leaves its group, by which it is found however quick it is.
    const group = Number(await run(provider, id, leave(`${pidFile.replace('getpid', 'getpgrp')}
while True:
    if os.fork(): os._exit(0)`)))
    expect(group).to.be.greaterThan(1)
    try {
      await provider.stopInstance(id)
      // What was killed stays in the group until somebody reaps it; what forks on would stay for ever.
      for (let tries = 0; tries < 3000 && bed.machine.hasGroup(group); tries++) await delay(10)
      expect(bed.machine.hasGroup(group)).to.equal(false)
    } finally {
      bed.machine.kill(-group)
    }
  })

  it('leaves alone what belongs to the user and to other instances', async () => {
    const other = await provider.createInstance({requestId: 'request-2', tags: {}})
    const theirs = Number(await run(provider, other.id, leave(`${pidFile}import time; time.sleep(300)`)))
    const mine = spawn('sleep', ['300'], {cwd: bed.home(id), env: {HOME: '/home/me'}, detached: true, stdio: 'ignore'})
    await once(mine, 'spawn')
    await provider.stopInstance(id)
    expect([theirs, mine.pid ?? 0].map(isAlive)).to.deep.equal([true, true])
    mine.kill('SIGKILL')
  })

  it('leaves no script running that was being started meanwhile', async () => {
    const start = (): Promise<unknown> => provider.shell.run(id, {script: 'sleep 300', timeoutMs: 290_000}).catch((error: unknown) => error)
    const before = Array.from({length: 10}, start)
    const stop = provider.stopInstance(id)
    const after = Array.from({length: 10}, start)
    await stop
    for (const end of await Promise.all([...before, ...after])) expect(end).to.include({code: 'wrong_state'})
    expect(findInstanceProcesses({id, home: bed.home(id)}, readProcTable(), bed.machine)).to.deep.equal([])
  })
})
