import {spawn} from 'node:child_process'
import {constants} from 'node:os'

/** What is still in the pipes when a script ends comes at once; what a process in the background prints later is nobody's. */
const LAST_WORDS_MS = 100

/**
 * Runs a script in a process group of its own, which is killed at its time limit and when the signal says so.
 * @param {import('runctl').ShellRequest} request
 * @returns {Promise<import('runctl').ShellResult>}
 */
export function runScript({script, signal, stdin, timeoutMs}, {cwd, env, maxOutputBytes, RunctlError}) {
  return new Promise((resolve, reject) => {
    const child = spawn('/bin/sh', ['-c', '--', script], {cwd, env, detached: true})
    const output = {stdout: [], stderr: []}
    let bytes = 0
    const finish = settle => {
      clearTimeout(limit)
      signal?.removeEventListener('abort', onAbort)
      for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy()
      settle()
    }
    const end = error => {
      try {
        process.kill(-child.pid, 'SIGKILL')
      } catch {
        // The group is gone already.
      }
      finish(() => reject(error))
    }
    const onAbort = () => end(signal.reason)
    const limit = setTimeout(() => end(new RunctlError('timed_out', `the command was not done after ${timeoutMs / 1000} s and was ended`)), timeoutMs)
    signal?.addEventListener('abort', onAbort, {once: true})
    for (const name of ['stdout', 'stderr']) {
      child[name].on('data', chunk => {
        bytes += chunk.length
        if (bytes > 2 * maxOutputBytes) end(new RunctlError('platform_failed', 'the command printed too much and was ended'))
        else output[name].push(chunk)
      })
    }
    child.once('error', error => finish(() => reject(error)))
    child.once('exit', (code, name) => {
      const result = () => ({exitCode: code ?? 128 + constants.signals[name], stdout: Buffer.concat(output.stdout), stderr: Buffer.concat(output.stderr)})
      const done = () => finish(() => resolve(result()))
      child.once('close', done)
      setTimeout(done, LAST_WORDS_MS)
    })
    // A script that leaves its input unread is none of our business.
    child.stdin.on('error', () => undefined)
    child.stdin.end(stdin ?? '')
  })
}
