import {execFileSync, spawn} from 'node:child_process'
import {once} from 'node:events'
import {existsSync} from 'node:fs'
import {mkdtemp, readdir, readFile, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'

import {expect} from 'chai'

import {type BenchInstance, MachineStopped, type Machines} from '../bench/types.js'
import type {World} from '../bench/world.js'
import {rejection} from '../support/rejection.js'
import {addInstance, eventually, isRootOnLinux, type MachineWorld, openMachineWorld, runOn} from './machine-world.js'

const TOKEN = "T=$(curl -sf -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' $I/latest/api/token); md() { curl -s -w ' %{http_code}' -H \"X-aws-ec2-metadata-token: $T\" $I/latest/$1; echo; }\n"
/** Where IMDS is, for both kinds of machines. */
const IMDS = `I=\${AWS_EC2_METADATA_SERVICE_ENDPOINT:-http://169.254.169.254}\n`

function processesWith(text: string): string[] {
  return execFileSync('ps', ['axeww', '-o', 'pid=,stat=,command='], {encoding: 'utf8', maxBuffer: 1 << 26})
    .split('\n')
    .filter((line) => line.includes(text) && !/^\s*\d+ Z/.test(line) && !line.includes('ps axeww'))
}

for (const kind of ['namespaces', 'folders'] as const) {
  describe(`bench machines as ${kind}`, function () {
    let place: MachineWorld
    let machines: Machines
    let world: World
    let instance: BenchInstance
    let own: MachineWorld | null = null

    before(async function () {
      // Folders work elsewhere too; what these tests look at with ps and setsid does not.
      if (process.platform !== 'linux' || (kind === 'namespaces' && !isRootOnLinux)) this.skip()
      place = await openMachineWorld({kind, shutdownGraceMs: 300})
      ;({machines, world} = place)
    })
    after(async () => {
      await place?.close()
    })
    beforeEach(async () => {
      instance = addInstance(world)
      await machines.start(instance)
    })
    afterEach(async () => {
      await own?.close()
      own = null
      await machines.remove(instance)
    })

    it('runs a script as the agent does: its own process group, /usr/bin, streams apart, exit status', async () => {
      const script = 'echo "$(ps -o pgid= -p $$ | tr -d " ") $(ps -o pid= -p $PPID | tr -d " ")"; pwd; echo err >&2; exit 7'
      const {code, out, err} = await runOn(machines, instance, script)
      const [ids, folder] = out.split('\n')
      const [group, parent] = ids!.split(' ')
      expect({code, folder, err}).to.deep.equal({code: 7, folder: '/usr/bin', err: 'err'})
      expect(group).to.equal(parent)
      expect(group).to.not.equal(String(process.pid))
    })

    it('has a home for the normal user that is the instance’s own', async () => {
      const {out} = await runOn(machines, instance, 'h=$(getent passwd ec2-user | cut -d: -f6); echo $h; echo mine >$h/file')
      const home = kind === 'namespaces' ? '/home/ec2-user' : machines.hostPath(instance.id, 'home')
      expect(out).to.equal(home)
      expect(await readFile(machines.hostPath(instance.id, kind === 'namespaces' ? `${home}/file` : 'home/file'), 'utf8')).to.equal('mine\n')
    })

    it('honours a first line that names another interpreter', async () => {
      expect((await runOn(machines, instance, '#!/usr/bin/env python3\nprint(6 * 7)')).out).to.equal('42')
    })

    it('tells the signal that ended a script', async () => {
      const outcome = await machines.run(instance, 'kill -KILL 0', {timeoutMs: 5000, signal: new AbortController().signal})
      expect(outcome).to.include({exitCode: 137, signal: 9, timedOut: false})
    })

    it('kills the group when the time is over, and gives what was printed', async () => {
      const marker = `marker-${instance.id}`
      const start = Date.now()
      const outcome = await machines.run(instance, `echo before; trap '' TERM; sleep 600 & exec env X=${marker} sleep 601`, {timeoutMs: 300, signal: new AbortController().signal})
      expect(outcome).to.include({exitCode: 137, timedOut: true})
      expect(outcome.stdout.toString()).to.equal('before\n')
      expect(Date.now() - start).to.be.below(3000)
      await eventually(() => processesWith(marker).length === 0)
    })

    it('kills the group at once on a cancel, and spares a child in a session of its own', async () => {
      const cancel = new AbortController()
      const script = 'setsid sleep 300 >/dev/null 2>&1 </dev/null & echo $! >$HOME_DIR/spared; sleep 300 & echo $! >$HOME_DIR/killed; wait'
      const home = machines.kind === 'namespaces' ? '/var' : machines.hostPath(instance.id, 'home')
      const running = machines.run(instance, script.replaceAll('$HOME_DIR', home), {timeoutMs: 60_000, signal: cancel.signal})
      const file = (name: string): string => (machines.kind === 'namespaces' ? machines.hostPath(instance.id, `/var/${name}`) : join(home, name))
      await eventually(() => existsSync(file('killed')))
      cancel.abort()
      expect((await running).exitCode).to.equal(137)
      const {out} = await runOn(machines, instance, `for f in spared killed; do ps -o stat= -p $(cat ${home}/$f) | grep -qv Z && echo $f lives; done; true`)
      expect(out).to.equal('spared lives')
    })

    it('waits for a child that holds the output', async () => {
      const start = Date.now()
      expect((await runOn(machines, instance, 'sleep 0.7 & echo done')).out).to.equal('done')
      expect(Date.now() - start).to.be.within(650, 5000)
    })

    it('does not wait for a child that has detached', async () => {
      const start = Date.now()
      await runOn(machines, instance, 'setsid sleep 30 >/dev/null 2>&1 </dev/null &')
      expect(Date.now() - start).to.be.below(5000)
    })

    it('keeps the disk and ends every process over a stop', async () => {
      const home = machines.kind === 'namespaces' ? '/home/ec2-user' : machines.hostPath(instance.id, 'home')
      const marker = `survivor-${instance.id}`
      await runOn(machines, instance, `echo kept >${home}/file; trap '' TERM; X=${marker} setsid sleep 300 >/dev/null 2>&1 </dev/null &`)
      const cut = rejection(machines.run(instance, 'sleep 300', {timeoutMs: 60_000, signal: new AbortController().signal}))
      await eventually(() => processesWith(marker).length > 0)
      await machines.stop(instance)
      expect(await cut).to.be.instanceOf(MachineStopped)
      expect(processesWith(marker)).to.deep.equal([])
      expect(await rejection(runOn(machines, instance, 'true'))).to.be.instanceOf(MachineStopped)
      expect(await readFile(machines.hostPath(instance.id, machines.kind === 'namespaces' ? '/home/ec2-user/file' : 'home/file'), 'utf8')).to.equal('kept\n')
      await machines.start(instance)
      expect((await runOn(machines, instance, `cat ${home}/file`)).out).to.equal('kept')
    })

    it('lets processes end by themselves when it shuts down, but not when the power fails', async () => {
      const home = machines.kind === 'namespaces' ? '/var' : machines.hostPath(instance.id, 'home')
      const script = `setsid python3 -c 'import signal,sys,time
def stop(*_): open("${home}/said","a").write("bye"); sys.exit()
signal.signal(signal.SIGTERM, stop); open("${home}/ready","w"); time.sleep(300)' >/dev/null 2>&1 </dev/null & while ! [ -e ${home}/ready ]; do sleep 0.02; done; rm ${home}/ready`
      await runOn(machines, instance, script)
      await machines.stop(instance)
      await machines.start(instance)
      await runOn(machines, instance, script)
      await machines.stop(instance, {graceMs: 0})
      await machines.start(instance)
      expect((await runOn(machines, instance, `cat ${home}/said`)).out).to.equal('bye')
    })

    it('answers as IMDSv2, and only with a token', async () => {
      world.instances.get(instance.id)!.spotNotice = {action: 'stop', time: new Date('2026-11-23T10:02:00.123Z')}
      const script = `${IMDS}curl -s -o /dev/null -w '%{http_code}\\n' $I/latest/meta-data/instance-id
curl -s -o /dev/null -w '%{http_code}\\n' -X PUT $I/latest/api/token
curl -s -o /dev/null -w '%{http_code}\\n' -H 'X-aws-ec2-metadata-token: forged' $I/latest/meta-data/instance-id
${TOKEN}for p in instance-id instance-type placement/region placement/availability-zone iam/security-credentials/ spot/instance-action events/recommendations/rebalance; do md meta-data/$p; done`
      expect((await runOn(machines, instance, script)).out.split('\n')).to.deep.equal([
        '401',
        '400',
        '401',
        `${instance.id} 200`,
        't3.micro 200',
        'us-east-1 200',
        'us-east-1a 200',
        'runctl-instance 200',
        '{"action":"stop","time":"2026-11-23T10:02:00Z"} 200',
        ' 404',
      ])
    })

    it('hands out keys that the bench knows as the role of this instance', async () => {
      const {out} = await runOn(machines, instance, `${IMDS}${TOKEN}md meta-data/iam/security-credentials/runctl-instance; md dynamic/instance-identity/document`)
      const [keys, document] = out.split(/ 200(?:\n|$)/).map((text) => (text === '' ? null : (JSON.parse(text) as Record<string, string>)))
      const known = world.accessKeys.get(keys!['AccessKeyId']!)
      expect(known?.principal.arn).to.equal(`arn:aws:sts::123456789012:assumed-role/runctl-instance/${instance.id}`)
      expect([known?.secret, known?.sessionToken]).to.deep.equal([keys!['SecretAccessKey'], keys!['Token']])
      expect(document).to.include({instanceId: instance.id, region: 'us-east-1', accountId: '123456789012', architecture: 'x86_64'})
      instance.profileArn = null
      expect((await runOn(machines, instance, `${IMDS}${TOKEN}md meta-data/iam/security-credentials/`)).out).to.equal('404')
    })

    it('starts sixty instances at once', async () => {
      const many = Array.from({length: 60}, () => addInstance(world))
      const start = Date.now()
      await Promise.all(many.map((each) => machines.start(each)))
      const started = Date.now() - start
      const outs = await Promise.all(many.map((each) => runOn(machines, each, 'echo $AWS_SSM_INSTANCE_ID')))
      expect(outs.map(({out}) => out)).to.deep.equal(many.map(({id}) => id))
      await Promise.all(many.map((each) => machines.stop(each, {graceMs: 0})))
      await Promise.all(many.map((each) => machines.remove(each)))
      // It is a third of a second on two free cores.
      expect(started).to.be.below(15_000)
    })

    it('leaves nothing behind when it closes', async () => {
      own = await openMachineWorld({kind, diskMib: (id) => (id.endsWith('0') ? null : 16)})
      const [a, b] = [addInstance(own.world, {id: 'i-00000000000000000'}), addInstance(own.world, {id: 'i-00000000000000001'})]
      await Promise.all([own.machines.start(a), own.machines.start(b)])
      const marker = `leftover-${a.id}`
      await runOn(own.machines, a, `X=${marker} setsid sleep 300 >/dev/null 2>&1 </dev/null &`)
      await own.machines.stop(b)
      expect(await readdir(own.folder)).to.have.length.above(1)
      await own.machines.close()
      expect(await readdir(own.folder)).to.deep.equal(['endpoint'])
      expect(processesWith(marker)).to.deep.equal([])
      expect(processesWith(own.folder)).to.deep.equal([])
      expect(await readFile('/proc/self/mounts', 'utf8').catch(() => '')).to.not.contain(own.folder)
    })

    it('leaves nothing behind when the process that opened it is killed', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'mk-'))
      const program = join(folder, 'program.mts')
      const support = new URL('machine-world.ts', import.meta.url).href
      const marker = `orphan-${folder}`
      await writeFile(
        program,
        `import {addInstance, openMachineWorld, runOn} from ${JSON.stringify(support)}
const place = await openMachineWorld({kind: ${JSON.stringify(kind)}, root: ${JSON.stringify(folder)}})
const instance = addInstance(place.world)
await place.machines.start(instance)
await runOn(place.machines, instance, ${JSON.stringify(`X='${marker}' setsid sleep 300 >/dev/null 2>&1 </dev/null &`)})
console.log('ready')
setInterval(() => {}, 1000)`,
      )
      const child = spawn(process.execPath, ['--import', 'tsx', program], {stdio: ['ignore', 'pipe', 'inherit'], env: {...process.env, TMPDIR: folder}})
      await once(child.stdout, 'data')
      expect(processesWith(marker)).to.have.length.above(0)
      child.kill('SIGKILL')
      await eventually(() => processesWith(marker).length === 0 && processesWith(folder).length === 0)
      await eventually(async () => !(await readdir(folder)).some((name) => name.startsWith('rb-')))
      await rm(folder, {recursive: true, force: true})
    })
  })
}

describe('bench machines as namespaces, what only they can', () => {
  let place: MachineWorld
  let machines: Machines
  let instance: BenchInstance

  before(async function () {
    if (!isRootOnLinux) this.skip()
    place = await openMachineWorld({kind: 'namespaces', diskMib: () => 24})
    machines = place.machines
    instance = addInstance(place.world)
    await machines.start(instance)
  })
  after(async () => {
    await place?.close()
  })

  it('has a normal user, no HOME for root, Debian-like paths, and nothing of this machine’s homes', async () => {
    const {out} = await runOn(machines, instance, `echo "HOME=$HOME"; id -un; ls -A /root | wc -l; ls /home; ls -A ${process.cwd()} | wc -l
su -s /bin/sh ec2-user -c 'cd && pwd && id -u && touch own && command -v python3'`)
    expect(out.split('\n')).to.deep.equal(['HOME=', 'root', '0', 'ec2-user', '0', '/home/ec2-user', '1000', '/usr/bin/python3'])
  })

  it('writes nothing through to this machine', async () => {
    const name = `through-${instance.id}`
    await runOn(machines, instance, `for d in / /etc /usr /var /root /tmp /run /dev/shm ${process.cwd()} ${tmpdir()}; do mkdir -p $d; echo x >$d/${name}; done; echo >>/etc/passwd`)
    for (const folder of ['/', '/etc', '/usr', '/var', '/root', '/tmp', '/run', '/dev/shm', process.cwd(), tmpdir()]) {
      expect(existsSync(join(folder, name)), folder).to.be.false
    }
    expect(await readFile('/etc/passwd', 'utf8')).to.not.contain('ec2-user')
    expect(await readFile(machines.hostPath(instance.id, `/etc/${name}`), 'utf8')).to.equal('x\n')
  })

  it('sees only its own processes and addresses, and reaches the endpoint at its own address', async () => {
    const port = place.world.endpointPort
    const script = `ps -e -o pid= | head -n 1 | tr -d ' '; ps -e | grep -c node
head -c 5000000 /dev/zero | curl -s --data-binary @- http://127.0.0.1:${port}/some/path; echo
curl -s -m 2 http://192.0.2.1/; echo $?`
    expect((await runOn(machines, instance, script)).out.split('\n')).to.deep.equal(['1', '0', 'POST /some/path 5000000', '7'])
  })

  it('has a new boot id and empty /tmp and /run after each start', async () => {
    const read = 'cat /proc/sys/kernel/random/boot_id; ls -A /tmp /dev/shm | grep -c left; touch /tmp/left /dev/shm/left'
    const [first] = (await runOn(machines, instance, read)).out.split('\n')
    expect((await runOn(machines, instance, read)).out.split('\n')).to.deep.equal([first, '2'])
    await machines.stop(instance)
    await machines.start(instance)
    const [second, left] = (await runOn(machines, instance, read)).out.split('\n')
    expect(second).to.match(/^[0-9a-f-]{36}$/).and.not.equal(first)
    expect(left).to.equal('0')
  })

  it('has a full disk when it is full, over a stop too', async () => {
    const full = await runOn(machines, instance, 'head -c 100000000 /dev/zero >/var/big; ls -s /var/big | cut -d" " -f1; echo x >/home/ec2-user/more')
    expect(full.err).to.contain('No space left on device')
    await machines.stop(instance)
    await machines.start(instance)
    // The agent cannot even write the script down.
    expect(await runOn(machines, instance, 'true')).to.include({code: 1}).and.to.have.property('err').that.contains('No space left')
    await rm(machines.hostPath(instance.id, '/var/big'))
    expect((await runOn(machines, instance, 'true')).code).to.equal(0)
  })

  it('does not let root set what all machines here share: the clock, the kernel’s settings', async () => {
    expect(await runOn(machines, instance, 'date -s "$(date)"')).to.have.property('err').that.contains('not permitted')
    expect(await runOn(machines, instance, 'cat /proc/sys/vm/swappiness >/proc/sys/vm/swappiness')).to.have.property('err').that.contains('Read-only')
  })

  it('are all down when the process that holds them is gone', async () => {
    const own = await openMachineWorld({kind: 'namespaces'})
    try {
      const other = addInstance(own.world)
      await own.machines.start(other)
      const cut = rejection(runOn(own.machines, other, 'sleep 300'))
      const [line] = processesWith(`host.py ${own.folder}`)
      process.kill(Number(line!.trim().split(' ')[0]), 'SIGKILL')
      expect(await cut).to.be.instanceOf(MachineStopped)
      await own.machines.stop(other)
      expect(await rejection(runOn(own.machines, other, 'true'))).to.be.instanceOf(MachineStopped)
      await eventually(() => processesWith(own.folder).length === 0)
    } finally {
      await own.close()
    }
  })

  it('collects orphans', async () => {
    await runOn(machines, instance, 'for i in 1 2 3; do (setsid sh -c "true" >/dev/null 2>&1 </dev/null &); done')
    await eventually(async () => (await runOn(machines, instance, 'ps -e -o stat= | grep -c Z')).out === '0')
  })
})
