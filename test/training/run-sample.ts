import {type ChildProcessByStdio, spawn} from 'node:child_process'
import {once} from 'node:events'
import {resolve} from 'node:path'
import type {Readable} from 'node:stream'

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Started {
  readonly child: ChildProcessByStdio<null, Readable, Readable>
  readonly ended: Promise<Ended>
}

/** Runs the sample in a folder of its own, with none of the RUNCTL_ variables of whoever runs the tests. */
export function startSample(
  script: string,
  cwd: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  python = 'python3',
  options: readonly string[] = [],
): Started {
  const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('RUNCTL_')))
  const child = spawn(python, ['-B', ...options, resolve('training', script), ...args], {
    cwd,
    env: {...clean, ...env},
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const text = {stdout: '', stderr: ''}
  child.stdout.setEncoding('utf8').on('data', (part: string) => (text.stdout += part))
  child.stderr.setEncoding('utf8').on('data', (part: string) => (text.stderr += part))
  return {child, ended: once(child, 'close').then(([code]) => ({code: code as number | null, ...text}))}
}

/** Settles when the training has printed `text`; fails if it ends before that. The stream goes on being read. */
export async function printed({child, ended}: Started, text: string): Promise<void> {
  let seen = ''
  const found = new Promise<void>((resolve) => {
    child.stdout.on('data', (part: string) => {
      seen += part
      if (seen.includes(text)) resolve()
    })
  })
  const tooLate = ended.then((end) => {
    if (!end.stdout.includes(text)) throw new Error(`the training ended without printing "${text}": ${end.stdout}${end.stderr}`)
  })
  await Promise.race([found, tooLate])
}
