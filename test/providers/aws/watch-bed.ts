import {type ChildProcess, spawn} from 'node:child_process'
import {once} from 'node:events'
import {chmod, mkdir, mkdtemp, readFile, rename, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {dirname, join} from 'node:path'

import {WATCH} from '../../../src/providers/aws/self-stop/watch-script.js'

/** A machine for the watch: a kernel whose uptime the test sets, a user's home, and programs that only note that they were called. */
export class WatchBed {
  readonly home: string
  /** Of a later boot before the hard limit applies, in seconds; null: as on a machine. */
  grace: number | null = null
  private readonly running = new Set<ChildProcess>()

  private constructor(readonly root: string, private readonly sh: string) {
    this.home = join(root, 'home')
  }

  static async make(sh: string): Promise<WatchBed> {
    const bed = new WatchBed(await mkdtemp(join(tmpdir(), 'runctl-watch-')), sh)
    await bed.write('runctl-watch', WATCH)
    await mkdir(join(bed.home, '.runctl'), {recursive: true})
    await mkdir(join(bed.root, 'run'))
    await bed.program('getent', `[ "$1" = passwd ] || exit 2\necho "$(id -un):x:$(id -u):$(id -g)::${bed.home}:/bin/sh"`)
    for (const name of ['halt', 'poweroff', 'shutdown']) await bed.program(name, bed.note(name))
    await bed.boot('boot-1', 0)
    return bed
  }

  note = (name: string): string => `echo "${name} $*" >>${join(this.root, 'called')}`

  async write(name: string, text: string): Promise<void> {
    await mkdir(dirname(join(this.root, name)), {recursive: true})
    await writeFile(join(this.root, name), text)
  }

  read(name: string): Promise<string> {
    return readFile(join(this.root, name), 'utf8').catch(() => '')
  }

  async program(name: string, text: string): Promise<void> {
    await this.write(`bin/${name}`, `#!/bin/sh\n${text}\n`)
    await chmod(join(this.root, 'bin', name), 0o755)
  }

  /** Seconds since the kernel's start, of which process 1 has seen all but the first `before`. */
  async boot(id: string, uptime: number, before = 0): Promise<void> {
    await this.write('proc/sys/kernel/random/boot_id', `${id}\n`)
    const fields = Array.from({length: 40}, (_, at) => (at === 19 ? before * 100 : at === 0 ? 'S' : 7))
    await this.write('proc/1/stat', `1 (a ) name) ${fields.join(' ')}\n`)
    await this.setUptime(uptime)
  }

  async setUptime(seconds: number): Promise<void> {
    // Replaced at once: the watch reads it all the time.
    await this.write('proc/uptime.new', `${seconds}.37 1.00\n`)
    await rename(join(this.root, 'proc/uptime.new'), join(this.root, 'proc/uptime'))
  }

  async limits(line: string): Promise<void> {
    await this.write('home/.runctl/watch', line)
  }

  start(args: readonly string[] = ['watch']): ChildProcess {
    const child = spawn(this.sh, [join(this.root, 'runctl-watch'), ...args], {
      env: {
        PATH: `${join(this.root, 'bin')}:${process.env['PATH'] ?? ''}`, HOME: this.home, RUNCTL_WATCH_ROOT: this.root, RUNCTL_WATCH_TICK: '0.03', ...(this.grace !== null && {RUNCTL_WATCH_GRACE: String(this.grace)}),
      },
      stdio: 'ignore',
    })
    this.running.add(child)
    child.once('exit', () => this.running.delete(child))
    return child
  }

  /** The machine goes down, and comes up again after nobody knows how long; what was called is forgotten. */
  async restart(child: ChildProcess, id: string, uptime: number): Promise<ChildProcess> {
    await this.end(child)
    await rm(join(this.root, 'called'), {force: true})
    await this.boot(id, uptime)
    return this.start()
  }

  /** As a shutdown does. */
  async end(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const gone = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : null
    child.kill(signal)
    await gone
  }

  /** Until it has looked at this uptime, and written down what it has counted up to it. */
  async counted(uptime: number): Promise<number> {
    await this.until(async () => (await this.used())[1] === String(uptime))
    return Number((await this.used())[0])
  }

  /** Until it is under way: it has looked at everything once. The uptime is one second more then. */
  async underWay(uptime = 0): Promise<void> {
    await this.counted(uptime)
    await this.setUptime(uptime + 1)
    await this.counted(uptime + 1)
  }

  async used(): Promise<readonly string[]> {
    return (await this.read('var/lib/runctl/used')).trim().split(' ')
  }

  async called(): Promise<readonly string[]> {
    return (await this.read('called')).split('\n').filter(line => line !== '')
  }

  async until(holds: () => Promise<boolean>): Promise<void> {
    const end = Date.now() + 20_000
    while (!(await holds())) {
      if (Date.now() > end) throw new Error(`it does not come to hold: ${holds.toString()}`)
      await new Promise(resolve => setTimeout(resolve, 10))
    }
  }

  async poweredOff(): Promise<string> {
    await this.until(async () => (await this.called()).length > 0)
    return this.read('var/lib/runctl/power-offs')
  }

  async remove(): Promise<void> {
    await Promise.all([...this.running].map(child => this.end(child, 'SIGKILL')))
    // One that went on in the background.
    const pid = Number((await this.read('run/runctl-watch')).split(' ')[0])
    const command = pid > 0 ? await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '') : ''
    if (command.includes(this.root)) process.kill(pid, 'SIGKILL')
    await rm(this.root, {recursive: true, force: true, maxRetries: 5})
  }
}
