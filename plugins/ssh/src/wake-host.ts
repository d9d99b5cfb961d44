import {spawn} from 'node:child_process'
import type {ProviderEnvironment} from 'runctl'

const MAX_WORDS = 300
const LIMIT_MS = 60_000

/** Runs the user's own command on this machine. Rejects with `platform_failed` where it fails. */
export function wakeHost(host: string, command: string, {env, RunctlError}: Pick<ProviderEnvironment, 'env' | 'RunctlError'>, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (why: string): Error => new RunctlError('platform_failed', `the wake command of ${host} ${why}`, {next: ['runctl config show'], details: {instance_id: host}})
    const child = spawn('/bin/sh', ['-c', command], {env: {...env, RUNCTL_SSH_HOST: host}, stdio: ['ignore', 'pipe', 'pipe'], ...(signal ? {signal} : {})})
    const words: Buffer[] = []
    const limit = setTimeout(() => {
      child.kill('SIGKILL')
      reject(failed(`was not done after ${LIMIT_MS / 1000} s`))
    }, LIMIT_MS)
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => words.push(chunk))
    child.once('error', error => {
      clearTimeout(limit)
      reject(signal?.aborted ? (signal.reason as Error) : failed(`cannot be started: ${error.message}`))
    })
    // By its own end: what it leaves in the background may hold its output open.
    child.once('exit', (status, name) => {
      clearTimeout(limit)
      child.stdout.destroy()
      child.stderr.destroy()
      if (status === 0) return resolve()
      const said = Buffer.concat(words).toString('utf8').trim().slice(0, MAX_WORDS)
      reject(failed(`ended with ${name ?? String(status)}${said === '' ? '' : `: ${said}`}`))
    })
  })
}
