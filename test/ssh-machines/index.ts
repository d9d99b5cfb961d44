import {execFileSync, spawn, spawnSync, type ChildProcess} from 'node:child_process'
import {once} from 'node:events'
import {existsSync} from 'node:fs'
import {chmod, cp, mkdir, mkdtemp, readFile, realpath, rm, writeFile} from 'node:fs/promises'
import {connect, createServer} from 'node:net'
import {tmpdir, userInfo} from 'node:os'
import path from 'node:path'

const HERE = import.meta.dirname
const SSHD = ['/usr/sbin/sshd', '/usr/local/sbin/sshd', '/usr/bin/sshd'].find(file => existsSync(file))
const ANSWER_MS = 20_000

/** Why machines cannot be had here; null: they can. */
export const WITHOUT_SSHD: string | null = reasonAgainst()

function reasonAgainst(): string | null {
  if (SSHD === undefined) return 'no sshd on this machine'
  if (userInfo().uid !== 0) return 'not as root, who makes namespaces'
  const {status} = spawnSync('unshare', ['--mount', 'true'], {stdio: 'ignore'})
  return status === 0 ? null : 'no namespaces on this machine'
}

export interface SshMachines {
  /** For `ssh -F`. */
  readonly configFile: string
  readonly aliases: readonly string[]
  /** What stands below `[ssh]`. */
  readonly settings: {
    readonly hosts: readonly string[]
    readonly config_file: string
    readonly wake: Readonly<Record<string, string>>
    readonly suspend: Readonly<Record<string, string>>
    readonly usd_per_hour: Readonly<Record<string, string>>
  }
  readonly folder: string
  /** The same path on the machine and here. */
  home(alias: string, ...parts: readonly string[]): string
  port(alias: string): number
  close(): Promise<void>
}

/** Machines on loopback, each with an sshd of its own, its own processes and its own home. `shell`: the login shell of their user. */
export async function startSshMachines(count: number, {shell = '/bin/sh'}: {readonly shell?: string} = {}): Promise<SshMachines> {
  if (WITHOUT_SSHD !== null) throw new Error(`there are no machines with sshd: ${WITHOUT_SSHD}`)
  // A short path: it becomes the address of a socket.
  const folder = await realpath(await mkdtemp(path.join(tmpdir(), 'rs-')))
  // Machines of several tests share one table of processes, in which a machine's own are told by its name.
  const mark = path.basename(folder).slice(3).toLowerCase()
  const aliases = Array.from({length: count}, (_, at) => `m${at + 1}-${mark}`)
  const ports = await freePorts(count)
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path.join(folder, 'client')])
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path.join(folder, 'host')])
  const hostKey = (await readFile(path.join(folder, 'host.pub'), 'utf8')).split(' ').slice(0, 2).join(' ')
  await writeFile(path.join(folder, 'known_hosts'), ports.map(port => `[127.0.0.1]:${port} ${hostKey}\n`).join(''))
  await cp(path.join(HERE, 'tell.py'), path.join(folder, 'tell.py'))
  await Promise.all(aliases.map((alias, at) => layOut(folder, alias, ports[at] ?? 0, shell)))
  const configFile = path.join(folder, 'config')
  await writeFile(configFile, aliases.map((alias, at) => clientEntry(folder, alias, ports[at] ?? 0)).join('\n'))
  // sshd wants it, and it is not there where none was ever started.
  await mkdir('/run/sshd', {recursive: true, mode: 0o755})
  const keeper = spawn('python3', [path.join(HERE, 'keeper.py'), folder, SSHD ?? '', ...aliases.map((alias, at) => `${alias}:${ports[at] ?? 0}`)], {stdio: ['pipe', 'pipe', 'inherit']})
  const home = (alias: string, ...parts: readonly string[]): string => path.join(folder, alias, 'home', ...parts)
  const port = (alias: string): number => ports[aliases.indexOf(alias)] ?? 0
  try {
    await once(keeper.stdout, 'data')
    await Promise.all(ports.map(answers))
  } catch (error) {
    await endKeeper(keeper, folder)
    throw error
  }
  return {
    configFile,
    aliases,
    folder,
    home,
    port,
    settings: {
      hosts: aliases,
      config_file: configFile,
      wake: {'*': `python3 ${folder}/tell.py ${folder} on "$RUNCTL_SSH_HOST"`},
      // Where it is told to go down it knows itself by its home.
      suspend: {'*': `python3 ${folder}/tell.py ${folder} off "$(basename "$(dirname "$HOME")")"; sleep 30`},
      usd_per_hour: {'*': '0'},
    },
    close: () => endKeeper(keeper, folder),
  }
}

async function endKeeper(keeper: ChildProcess, folder: string): Promise<void> {
  const gone = keeper.exitCode === null ? once(keeper, 'exit') : Promise.resolve()
  keeper.stdin?.end()
  await gone
  await rm(folder, {recursive: true, force: true, maxRetries: 5})
}

async function layOut(folder: string, alias: string, port: number, shell: string): Promise<void> {
  const machine = path.join(folder, alias)
  const home = path.join(machine, 'home')
  await mkdir(path.join(home, '.ssh'), {recursive: true, mode: 0o700})
  await cp(path.join(folder, 'client.pub'), path.join(home, '.ssh', 'authorized_keys'))
  const passwd = await readFile('/etc/passwd', 'utf8')
  await writeFile(path.join(machine, 'passwd'), passwd.replace(/^root:.*$/m, `root:x:0:0:root:${home}:${shell}`))
  await writeFile(path.join(machine, 'sshd_config'), `Port ${port}
ListenAddress 127.0.0.1
HostKey ${folder}/host
PidFile none
AuthorizedKeysFile .ssh/authorized_keys
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
UseDNS no
StrictModes no
PrintMotd no
PrintLastLog no
MaxStartups 100
SetEnv PATH=${process.env['PATH'] ?? '/usr/bin:/bin'}
`)
  await chmod(machine, 0o755)
}

const clientEntry = (folder: string, alias: string, port: number): string => `Host ${alias}
  HostName 127.0.0.1
  Port ${port}
  User root
  IdentityFile ${folder}/client
  IdentitiesOnly yes
  IdentityAgent none
  UserKnownHostsFile ${folder}/known_hosts
  GlobalKnownHostsFile /dev/null
`

/** Below those that systems give out, and others for each process: tests beside this one look for theirs at the same moment. */
async function freePorts(count: number): Promise<readonly number[]> {
  const found: number[] = []
  for (let port = 10_000 + (process.pid % 1100) * 20; found.length < count; port++) if (await isFree(port)) found.push(port)
  return found
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  try {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    return true
  } catch {
    return false
  } finally {
    server.close()
  }
}

/** Until something listens there. */
async function answers(port: number): Promise<void> {
  const deadline = Date.now() + ANSWER_MS
  for (;;) {
    const socket = connect(port, '127.0.0.1')
    try {
      await once(socket, 'data')
      return
    } catch (error) {
      if (Date.now() > deadline) throw new Error(`no sshd answers at ${port}`, {cause: error})
      await new Promise(resolve => setTimeout(resolve, 50))
    } finally {
      socket.destroy()
    }
  }
}
