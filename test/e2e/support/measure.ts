import {spawn} from 'node:child_process'
import {mkdtemp, readFile, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import path from 'node:path'

/** Runs the words, and writes the greatest memory that one of its processes ever had (KiB on Linux) where the first one says. */
const WRAPPER = `import resource, subprocess, sys
code = subprocess.call(sys.argv[2:])
open(sys.argv[1], "w").write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(code)
`

/**
 * Runs a program, its standard output going to `into` (a file descriptor) or nowhere, and tells the exit status and the peak of resident
 * memory in bytes, that of the programs which it waited for included.
 */
export async function peakMemory(argv: readonly string[], {cwd, env, into = 'ignore'}: {
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  readonly into?: number | 'ignore'
}): Promise<{readonly code: number | null; readonly bytes: number}> {
  const folder = await mkdtemp(path.join(tmpdir(), 'runctl-peak-'))
  try {
    const file = path.join(folder, 'peak')
    const child = spawn('python3', ['-c', WRAPPER, file, ...argv], {cwd, env: {...env}, stdio: ['ignore', into, 'inherit']})
    const code = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('exit', resolve))
    return {code, bytes: Number(await readFile(file, 'utf8')) * (process.platform === 'darwin' ? 1 : 1024)}
  } finally {
    await rm(folder, {recursive: true})
  }
}
