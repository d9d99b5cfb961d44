import {setTimeout as delay} from 'node:timers/promises'

import {check, checkBytes, checkEqual, checkRejects, outcome} from './assertions.js'
import type {ContractSubject} from './contract-subject.js'

/** Writes a line to $HOME/ticks several times a second, detached from whoever started it. */
const TICKER = `
loop='while :; do echo tick >> "$HOME/ticks"; sleep 0.1 2>/dev/null || sleep 1; done'
if command -v setsid >/dev/null; then setsid sh -c "$loop" </dev/null >/dev/null 2>&1 &
else nohup sh -c "$loop" </dev/null >/dev/null 2>&1 &
fi
`
const COUNT_TICKS = 'cat "$HOME/ticks" 2>/dev/null | wc -l'
/** Longer than a tick, whatever `sleep` understands. */
const OBSERVE_MS = 1500

/** What must hold of the shell, by title. */
export const SHELL_CONTRACT: Readonly<Record<string, (subject: ContractSubject) => Promise<void>>> = {
  async 'passes bytes in and out exactly'(subject) {
    const {id} = await subject.createRunning()
    const every = Uint8Array.from({length: 256}, (_, value) => value)
    const {exitCode, stdout, stderr} = await subject.sh(id, 'cat', every)
    checkEqual(exitCode, 0, 'exit status')
    checkBytes(stdout, every, 'standard output')
    checkEqual(stderr.length, 0, 'bytes on standard error')
    checkEqual((await subject.sh(id, 'cat')).stdout.length, 0, 'bytes of absent input')
  },

  async 'takes as much input and gives as much output as it says'(subject) {
    const {id} = await subject.createRunning()
    const {maxInputBytes, maxOutputBytes} = subject.provider.shell
    const input = Uint8Array.from({length: Math.min(maxInputBytes, 1 << 20)}, (_, index) => (index * 31) % 251)
    const {stdout: count} = await subject.sh(id, 'wc -c', input)
    checkEqual(Number(Buffer.from(count).toString()), input.length, 'bytes that arrived')
    const size = Math.min(maxOutputBytes, input.length)
    checkBytes((await subject.sh(id, `head -c ${size}`, input)).stdout, input.subarray(0, size), 'a long output')
  },

  async 'keeps standard error apart'(subject) {
    const {id} = await subject.createRunning()
    const {stdout, stderr} = await subject.sh(id, 'echo out; echo err >&2')
    checkEqual([Buffer.from(stdout).toString(), Buffer.from(stderr).toString()], ['out\n', 'err\n'], 'streams')
  },

  async 'gives the exit status as a result'(subject) {
    const {id} = await subject.createRunning()
    for (const status of [0, 1, 7, 255]) checkEqual((await subject.sh(id, `exit ${status}`)).exitCode, status, `exit ${status}`)
    checkEqual((await subject.sh(id, 'kill -TERM $$; sleep 5')).exitCode, 128 + 15, 'ended by SIGTERM')
    checkEqual((await subject.sh(id, 'no-such-program-anywhere')).exitCode, 127, 'no such program')
  },

  async 'ends well with a script that leaves its input unread'(subject) {
    const {id} = await subject.createRunning()
    checkEqual((await subject.sh(id, 'exit 3', new Uint8Array(Math.min(100_000, subject.provider.shell.maxInputBytes)))).exitCode, 3, 'exit status')
  },

  async 'runs the script as it is written, quotes and all'(subject) {
    const {id} = await subject.createRunning()
    const first = String.raw`printf '%s\n' "a 'b' \"c\"" 'd "e"' "$(echo '$HOME')" 'back\slash' 'ü' '-n'`
    const script = `${first}\n# a comment, 'unbalanced\nprintf "%s" end`
    checkEqual(await subject.text(id, script), ['a \'b\' "c"', 'd "e"', '$HOME', 'back\\slash', 'ü', '-n', 'end'].join('\n'), 'output')
  },

  async 'starts in a writable HOME that outlives stop and start'(subject) {
    const {id} = await subject.createRunning()
    checkEqual(await subject.text(id, '[ "$(cd "$HOME" && pwd -P)" = "$(pwd -P)" ] && echo same'), 'same', 'working directory and HOME')
    await subject.text(id, 'mkdir -p "$HOME/kept" && echo content > "$HOME/kept/file"')
    await subject.stop(id)
    await subject.start(id)
    checkEqual(await subject.text(id, 'cat "$HOME/kept/file"'), 'content', 'a file after stop and start')
  },

  async 'ends a script at its time limit'(subject) {
    const {id} = await subject.createRunning()
    const request = {script: 'echo $$ > limited; sleep 300; echo late > after-limit', timeoutMs: 3000}
    await checkRejects(subject.provider.shell.run(id, request), ['timed_out'], 'a script that takes too long')
    const look = 'sleep 1; kill -0 "$(cat limited 2>/dev/null)" 2>/dev/null && echo alive; ls after-limit 2>/dev/null; :'
    checkEqual(await subject.text(id, look), '', 'what is left of it')
  },

  async 'gives up a call when its signal says so'(subject) {
    const {id} = await subject.createRunning()
    const reason = new Error('cancelled by the contract')
    const aborted = {script: 'echo ran > cancelled', timeoutMs: subject.shellTimeoutMs, signal: AbortSignal.abort(reason)}
    const before = await outcome(subject.provider.shell.run(id, aborted))
    check(before === reason, 'a call that is cancelled before it begins rejects with the reason')
    checkEqual(await subject.text(id, 'ls cancelled 2>/dev/null; :'), '', 'what a cancelled call did')
    const controller = new AbortController()
    const long = {script: 'sleep 300', timeoutMs: 290_000, signal: controller.signal}
    const during = outcome(subject.provider.shell.run(id, long))
    await delay(300)
    controller.abort(reason)
    check((await during) === reason, 'a call that is cancelled rejects with the reason, and not only at its end')
  },

  async 'does not wait for a detached process, which lives on until the instance stops'(subject) {
    const {id} = await subject.createRunning()
    checkEqual((await subject.sh(id, TICKER)).exitCode, 0, 'exit status')
    const ticks = async (): Promise<number> => Number(await subject.text(id, COUNT_TICKS))
    const seen = await ticks()
    await delay(OBSERVE_MS)
    check((await ticks()) > seen, 'a detached process lives on after the call')
    await subject.stop(id)
    await subject.start(id)
    const left = await ticks()
    await delay(OBSERVE_MS)
    checkEqual(await ticks(), left, 'ticks after stop and start')
  },

  async 'refuses scripts on an instance that does not run'(subject) {
    const {id} = await subject.createRunning()
    await subject.stop(id)
    await checkRejects(subject.sh(id, 'exit 0'), ['wrong_state'], 'a script on a stopped instance')
    await subject.provider.terminateInstance(id)
    await subject.until(id, 'terminated')
    await checkRejects(subject.sh(id, 'exit 0'), ['wrong_state', 'not_found'], 'a script on a terminated instance')
  },
}
