import {spawnSync} from 'node:child_process'
import {createHash, randomBytes, randomUUID} from 'node:crypto'
import {existsSync} from 'node:fs'
import {createServer, type Server} from 'node:http'
import {rm} from 'node:fs/promises'
import type {AddressInfo} from 'node:net'
import {gzipSync} from 'node:zlib'
import {expect} from 'chai'

import {type Answer, parseAnswer, unpackResult} from '../../../src/providers/aws/shell/answer.js'
import {commandText, INLINE_INPUT_BYTES, MAX_COMMAND_BYTES, type CommandRequest} from '../../../src/providers/aws/shell/command-text.js'
import {WRAPPER, WRAPPER_SOURCE} from '../../../src/providers/aws/shell/wrapper.js'
import {quoteForShell} from '../../../src/model/quote-for-shell.js'
import {removeTraces, runWrapper} from './run-wrapper.js'

const SHELLS = ['dash', 'bash'].filter(name => spawnSync(name, ['-c', 'true']).status === 0)

describe('the wrapper around a script', () => {
  const ids: string[] = []
  const command = (changes: Partial<CommandRequest> = {}): CommandRequest => {
    const requestId = randomUUID()
    ids.push(requestId)
    return {requestId, instanceId: 'i-0123456789abcdef0', script: ':', stdin: new Uint8Array(), timeoutMs: 20_000, maxOutputBytes: 1 << 20, ...changes}
  }
  const textOf = (request: CommandRequest): string => commandText(request) ?? expect.fail('the command does not fit')
  const run = async (request: CommandRequest, options: Parameters<typeof runWrapper>[1] = {}) => {
    const end = await runWrapper(textOf(request), options).ended
    return {...end, answer: parseAnswer(end.stdout)}
  }
  const result = (answer: Answer | null) => {
    if (answer?.kind !== 'done') return expect.fail(`no result but ${JSON.stringify(answer)}`)
    const found = unpackResult(answer, answer.packed) ?? expect.fail('the output is damaged')
    return {exitCode: found.exitCode, stdout: Buffer.from(found.stdout).toString(), stderr: Buffer.from(found.stderr).toString()}
  }
  after(() => removeTraces(ids))

  for (const sh of SHELLS) {
    describe(`by ${sh}`, () => {
      it('gives status, output and errors of a script, ends with 0, and quickly', async () => {
        const end = await run(command({script: 'cat; echo "wrong" >&2; exit 7', stdin: Buffer.from('hello')}), {sh})
        expect(result(end.answer)).to.deep.equal({exitCode: 7, stdout: 'hello', stderr: 'wrong\n'})
        expect(end.code).to.equal(0)
        expect(end.tookMs).to.be.below(900)
      })

      it('never ends with the status of a script, 194 and 137 neither', async () => {
        for (const status of [194, 137, 255]) {
          const end = await run(command({script: `exit ${status}`}), {sh})
          expect([end.code, result(end.answer).exitCode]).to.deep.equal([0, status])
        }
        expect(result((await run(command({script: 'kill -TERM $$; sleep 5'}), {sh})).answer).exitCode).to.equal(143)
      })

      it('survives a script that signals its whole process group', async () => {
        const end = await run(command({script: "trap '' TERM; kill -TERM 0; echo on"}), {sh})
        expect(end.answer?.kind).to.equal('done')
      })

      it('runs a doubled delivery once, the second waiting for the first', async () => {
        const request = command({script: 'sleep 0.7; echo $$ "$(date +%N)"'})
        const [first, second] = await Promise.all([run(request, {sh}), run(request, {sh})])
        const third = await run(request, {sh})
        expect(result(first.answer).stdout).to.match(/^\d+ \d+\n$/)
        expect(result(second.answer)).to.deep.equal(result(first.answer))
        expect(result(third.answer)).to.deep.equal(result(first.answer))
      })

      it('does not run again what was killed in the middle', async () => {
        const request = command({script: 'sleep 30; echo late'})
        const {child, ended} = runWrapper(textOf(request), {sh})
        await new Promise(resolve => setTimeout(resolve, 600))
        process.kill(-(child.pid ?? expect.fail('it did not start')), 'SIGKILL')
        await ended
        expect((await run(request, {sh})).answer).to.deep.equal({kind: 'interrupted'})
      }).timeout(15_000)

      it('ends a script at its limit with everything in its group, and says so again', async () => {
        const request = command({script: 'sleep 31.417 & sleep 31.417', timeoutMs: 1000})
        const end = await run(request, {sh})
        expect(end.answer).to.deep.equal({kind: 'timeout'})
        expect(end.tookMs).to.be.within(900, 3000)
        expect(spawnSync('pgrep', ['-f', 'sleep 31.417']).stdout.toString()).to.equal('')
        expect((await run(request, {sh})).answer).to.deep.equal({kind: 'timeout'})
      })

      it('does not wait for a process that holds the streams', async () => {
        const end = await run(command({script: 'sleep 3.7 & echo done'}), {sh})
        expect(result(end.answer).stdout).to.equal('done\n')
        expect(end.tookMs).to.be.below(1500)
      })
    })
  }

  it('takes what a script holds for text of the script, and never shows {{', async () => {
    const hostile = "printf '%s\\n' '{{ ssm:x }}' \"$(echo 'a'\\''b')\" '-n' 'ü' 'back\\slash' '`id`'; # '\"unbalanced\nprintf end"
    const request = command({script: hostile})
    expect(textOf(request)).not.to.include('{{')
    expect(WRAPPER).not.to.include('{{')
    expect(result((await run(request)).answer).stdout).to.equal("{{ ssm:x }}\na'b\n-n\nü\nback\\slash\n`id`\nend")
    expect(result((await run(command({script: '-n'}))).answer).exitCode).to.equal(127)
  })

  it('starts a script in the home of its user, clean where it becomes another one', async () => {
    const {stdout} = result((await run(command({script: '[ "$(pwd)" = "$HOME" ] && echo home; umask; id -u; env'}), {env: {SECRET: 'x'}})).answer)
    expect(stdout).to.match(/^home\n0?022\n/).and.to.include('RUNCTL_INSTANCE_ID=i-0123456789abcdef0\n')
    if (process.getuid?.() === 0 && spawnSync('id', ['-u', '1000']).status === 0) expect(stdout).to.match(/^1000$/m).and.not.to.include('SECRET')
  })

  it('finds out its instance where it goes to several', async () => {
    const end = await run(command({instanceId: null, script: 'echo "$RUNCTL_INSTANCE_ID"'}), {env: {AWS_SSM_INSTANCE_ID: 'i-0aaa'}})
    expect(result(end.answer).stdout).to.equal('i-0aaa\n')
  })

  it('passes every byte, also of input that is long and left unread', async () => {
    const bytes = randomBytes(INLINE_INPUT_BYTES)
    const end = await run(command({script: 'cat', stdin: bytes}))
    const answer = end.answer?.kind === 'done' ? end.answer : expect.fail('no answer')
    expect(answer.packed.length).to.be.below(answer.packedBytes)
    expect(end.stdout.length).to.be.at.most(24_000)
    const zeros = new Uint8Array(500_000)
    expect(result((await run(command({script: 'exit 3', stdin: zeros}))).answer).exitCode).to.equal(3)
    expect(result((await run(command({script: 'sleep 2 <&0 & exit 4', stdin: zeros}))).answer).exitCode).to.equal(4)
    expect(result((await run(command({script: 'wc -c', stdin: zeros}))).answer).stdout.trim()).to.equal('500000')
  })

  it('ends a script that prints without end', async () => {
    const end = await run(command({script: 'yes', maxOutputBytes: 100_000}))
    expect(end.answer).to.deep.equal({kind: 'big'})
    expect((await run(command({script: 'head -c 200000 /dev/zero', maxOutputBytes: 100_000}))).answer).to.deep.equal({kind: 'big'})
  })

  it('has room for the input that the shell promises', () => {
    const script = randomBytes(1900).toString('latin1').replaceAll('\0', ' ')
    const text = commandText(command({script: script.slice(0, 1400), stdin: randomBytes(INLINE_INPUT_BYTES)}))
    expect(text?.length).to.be.at.most(MAX_COMMAND_BYTES)
    expect(gzipSync(WRAPPER, {level: 9}).length).to.be.below(2300)
  })

  it('means the same without comments and indentation', function () {
    if (!SHELLS.includes('bash')) this.skip()
    // Bash prints a function as it has understood it.
    const understood = (script: string): string => {
      const {stdout, stderr, status} = spawnSync('bash', {input: `all() {\n${script}\n}\ndeclare -f all`})
      expect([status, stderr.toString()]).to.deep.equal([0, ''])
      return stdout.toString()
    }
    expect(WRAPPER).not.to.match(/^[ \t#]|^\n/m)
    expect(understood(WRAPPER)).to.equal(understood(WRAPPER_SOURCE)).and.to.match(/main 3>&2 2> \/dev\/null;\n\s+exit 0/)
    expect(understood("echo 'a\nb'")).not.to.equal(understood("echo 'a\n  b'"))
  })

  describe('in a mount namespace of its own', () => {
    before(function () {
      if (spawnSync('unshare', ['-m', 'true']).status !== 0) this.skip()
    })
    /** Small file systems where the wrapper would write, all full; then `commands`. */
    const inFull = async (places: readonly string[], commands: string): Promise<string> => {
      const fill = (place: string): string =>
        `mkdir -p ${place} && mount -t tmpfs -o size=64k tmpfs ${place} && { head -c 100k /dev/zero >${place}/fill; } 2>/dev/null`
      const end = await runWrapper(`unshare -m sh -c ${quoteForShell([...places.map(fill), commands].join('\n'))}`).ended
      return end.stdout
    }

    it('works on a full disk, and still runs once what is delivered twice', async () => {
      const text = quoteForShell(textOf(command({script: 'echo $$ "$(date +%N)"; sleep 0.5'})))
      const twice = await inFull(['/var/lib'], `sh -c ${text} & sh -c ${text}; wait`)
      const [first, second] = twice.split(/(?=RUNCTL1)/).map(each => result(parseAnswer(each)))
      expect(first?.stdout).to.match(/^\d+ \d+\n$/)
      expect(second).to.deep.equal(first)
    })

    it('says so where nothing has room', async () => {
      const all = await inFull(['/var/lib', '/run', '/dev/shm', '/tmp'], `sh -c ${quoteForShell(textOf(command({script: 'echo ran'})))}`)
      expect(parseAnswer(all)).to.deep.equal({kind: 'nospace'})
    })

    it('gets along without runuser, and without a normal user', async function () {
      if (process.getuid?.() !== 0) this.skip()
      const text = quoteForShell(textOf(command({script: 'cat; id -u; echo "$HOME"; kill -TERM $$', stdin: Buffer.from('in ')})))
      const hide = 'for f in /usr/sbin/runuser /sbin/runuser; do [ -e $f ] && mount --bind /dev/null $f; done; command -v runuser'
      const bySu = result(parseAnswer(await inFull([], `${hide}; sh -c ${text}`)))
      expect([bySu.exitCode, bySu.stdout.startsWith('in ')]).to.deep.equal([143, true])
      const alone = quoteForShell(textOf(command({script: 'cat; id -u; echo "$HOME"', stdin: Buffer.from('in ')})))
      const byRoot = await inFull([], `grep ^root: /etc/passwd >/tmp/only-root-$$; mount --bind /tmp/only-root-$$ /etc/passwd; rm /tmp/only-root-$$; sh -c ${alone}`)
      expect(result(parseAnswer(byRoot)).stdout).to.equal('in 0\n/root\n')
    })
  })

  describe('with objects at URLs', () => {
    let server: Server
    let url: string
    const objects = new Map<string, Buffer>()
    before(async () => {
      server = createServer((request, response) => {
        const chunks: Buffer[] = []
        const key = request.url ?? ''
        request.on('data', (part: Buffer) => chunks.push(part))
        request.on('end', () => {
          if (request.method === 'PUT' && key.startsWith('/refused')) response.writeHead(403).end()
          else if (request.method === 'PUT') response.writeHead(request.headers['content-length'] ? 200 : 411, void objects.set(key, Buffer.concat(chunks))).end()
          else response.writeHead(objects.has(key) ? 200 : 403).end(objects.get(key))
        })
      })
      await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
      url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    })
    after(() => server.close())

    for (const tool of ['curl', 'python3']) {
      it(`fetches input and puts long output by ${tool}`, async function () {
        if (spawnSync(tool, ['--version']).status !== 0) this.skip()
        // Without curl: a folder of links to all programs but it.
        const path = spawnSync('sh', ['-c', 'd=$(mktemp -d); for f in /usr/local/bin/* /usr/bin/* /bin/* /usr/sbin/* /sbin/*; do case $f in */curl) ;; *) ln -s "$f" "$d/" 2>/dev/null;; esac; done; echo $d']).stdout.toString().trim()
        const bytes = randomBytes(300_000)
        objects.set('/in?a=1&b=%2F', bytes)
        const sha256 = createHash('sha256').update(bytes).digest('hex')
        const request = command({script: 'cat', stdin: bytes, input: {url: `${url}/in?a=1&b=%2F`, sha256}, outputUrl: `${url}/out-${tool}?x=1`})
        try {
          const end = await run(request, tool === 'curl' ? {} : {env: {PATH: path}})
          const answer = end.answer?.kind === 'done' ? end.answer : expect.fail(end.stdout + end.stderr)
          expect(answer.uploaded, end.stderr).to.equal(true)
          const put = objects.get(`/out-${tool}?x=1`) ?? expect.fail('nothing was put')
          expect(Buffer.from(unpackResult(answer, put)?.stdout ?? []).equals(bytes)).to.equal(true)
        } finally {
          await rm(path, {recursive: true})
        }
      })
    }

    it('does not run a script whose input is not to be had, or not what was sent', async () => {
      objects.set('/in', Buffer.from('something else'))
      for (const key of ['/none', '/in']) {
        const end = await run(command({script: 'touch /tmp/ran-anyway', stdin: Buffer.from('x'), input: {url: url + key, sha256: 'ab'.repeat(32)}}))
        expect(end.answer).to.deep.equal({kind: 'noinput'})
        expect(existsSync('/tmp/ran-anyway')).to.equal(false)
      }
    })

    it('answers with the first part where the output cannot be put', async () => {
      const end = await run(command({script: 'head -c 40000 /dev/urandom', outputUrl: `${url}/refused`}))
      const answer = end.answer?.kind === 'done' ? end.answer : expect.fail('no answer')
      expect([answer.uploaded, answer.packed.length]).to.deep.equal([false, 17_400])
    })
  })
})
