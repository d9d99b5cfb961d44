import {type ChildProcess, spawn} from 'node:child_process'
import {readdir, rm} from 'node:fs/promises'
import {join} from 'node:path'

export interface WrapperRun {
  readonly child: ChildProcess
  /** As AWS would keep it: the first 24,000 characters. */
  readonly ended: Promise<{readonly code: number | null; readonly stdout: string; readonly stderr: string; readonly tookMs: number}>
}

/** Runs a command text as the SSM agent does: by `sh`, in a process group of its own, until nobody holds its streams. */
export function runWrapper(text: string, options: {readonly env?: Record<string, string>; readonly sh?: string} = {}): WrapperRun {
  const begun = Date.now()
  const child = spawn(options.sh ?? 'sh', ['-c', text], {
    detached: true,
    cwd: '/usr/bin',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {PATH: process.env['PATH'] ?? '', ...options.env},
  })
  const parts: Record<'stderr' | 'stdout', Buffer[]> = {stderr: [], stdout: []}
  child.stdout.on('data', (part: Buffer) => parts.stdout.push(part))
  child.stderr.on('data', (part: Buffer) => parts.stderr.push(part))
  const ended = new Promise<Awaited<WrapperRun['ended']>>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', code =>
      resolve({
        code,
        stdout: Buffer.concat(parts.stdout).toString('latin1').slice(0, 24_000),
        stderr: Buffer.concat(parts.stderr).toString('latin1').slice(0, 8_000),
        tookMs: Date.now() - begun,
      }),
    )
  })
  return {child, ended}
}

/** Takes away what requests have left on this machine. */
export async function removeTraces(requestIds: readonly string[]): Promise<void> {
  const user = process.getuid?.() ?? 0
  for (const place of ['/var/lib/runctl/commands', '/run/runctl', `/dev/shm/runctl-${user}`, `/tmp/runctl-${user}`]) {
    const names = await readdir(place).catch(() => [])
    for (const name of names) if (requestIds.some(id => name.startsWith(id))) await rm(join(place, name), {recursive: true, force: true})
  }
}
