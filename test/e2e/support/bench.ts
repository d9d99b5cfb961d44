import {spawn, type ChildProcess} from 'node:child_process'
import {cp, mkdir, mkdtemp, readFile, realpath, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import path from 'node:path'

import type {AwsBench, BenchOptions} from '../../bench/index.js'
import type {SshMachines} from '../../ssh-machines/index.js'
import {schemaName, validated} from './json-schema.js'
import {REPOSITORY} from './repository.js'

/** No test has more at once. */
const SSH_MACHINES = 8
const RUN_JS = path.join(REPOSITORY, 'bin', 'run.js')

export interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** Milliseconds after which the CLI is killed and the test fails. */
  readonly timeoutMs?: number
}

/** The platforms on which every workflow runs, the same to the letter but for the platform's name. */
export type PlatformName = 'aws' | 'local' | 'ssh'
/** `npm test` runs the workflows on this machine, `npm run test:aws` the same ones on the bench of AWS, `npm run test:ssh` on machines with sshd. */
export const PLATFORMS: readonly PlatformName[] = [namedPlatform()]
/** Where everything else is tested that needs instances and no cloud. */
export const PLATFORM: PlatformName = PLATFORMS.includes('ssh') ? 'ssh' : 'local'
/** Of the right shape, and nobody's. */
export const ABSENT = PLATFORM === 'ssh' ? 'm0' : 'local-00000000'

function namedPlatform(): PlatformName {
  const {TEST_PLATFORM: name} = process.env
  return name === 'aws' || name === 'ssh' ? name : 'local'
}

export interface Where {
  readonly platform?: PlatformName
  /** Of the AWS account. */
  readonly aws?: BenchOptions
}

/** A user with nothing but the built CLI: folders of their own, a project, and no account but, on aws, that of an AWS bench. */
export class Bench {
  readonly project: string

  private constructor(
    readonly root: string,
    readonly platform: NonNullable<Where['platform']>,
    private readonly account: AwsBench | null,
    /** The machines of the platform ssh. */
    private readonly machines: SshMachines | null,
  ) {
    this.project = path.join(root, 'project')
  }

  /** A project folder with the sample scripts in training/, and whatever `files` holds. */
  static async create(files: Readonly<Record<string, string>> = {}, {platform = PLATFORM, aws}: Where = {}): Promise<Bench> {
    const root = await realpath(await mkdtemp(path.join(tmpdir(), 'runctl-e2e-')))
    const machines = platform === 'ssh' ? await startMachines(root) : null
    const bench = new Bench(root, platform, platform === 'aws' ? await startAccount(aws) : null, machines)
    await cp(path.join(REPOSITORY, 'training'), path.join(bench.project, 'training'), {recursive: true, filter: source => !source.includes('__pycache__')})
    for (const [name, text] of Object.entries(files)) await bench.write(name, text)
    return bench
  }

  /** The account on AWS. */
  get aws(): AwsBench {
    if (this.account === null) throw new Error(`a bench of the platform ${this.platform} has no AWS`)
    return this.account
  }

  get env(): Record<string, string> {
    const {HOME, LANG, PATH, TMPDIR} = process.env
    const own = {
      RUNCTL_DATA_DIR: path.join(this.root, 'data'),
      RUNCTL_CONFIG_DIR: path.join(this.root, 'config'),
      RUNCTL_CACHE_DIR: path.join(this.root, 'cache'),
      // Whatever account the person has who runs the tests.
      AWS_SHARED_CREDENTIALS_FILE: path.join(this.root, 'no-credentials'),
      AWS_CONFIG_FILE: path.join(this.root, 'no-config'),
      ...this.account?.env,
    }
    return Object.fromEntries(Object.entries({HOME, LANG, PATH, TMPDIR, ...own}).filter((entry): entry is [string, string] => entry[1] !== undefined))
  }

  async write(name: string, text: string, mode = 0o644): Promise<void> {
    const file = path.join(this.project, name)
    await mkdir(path.dirname(file), {recursive: true})
    await writeFile(file, text, {mode})
  }

  /** A file in the home of an instance, by its path on this machine. On aws the path is another one after each start. */
  home(instanceId: string, ...parts: readonly string[]): string {
    if (this.machines !== null) return this.machines.home(instanceId, ...parts)
    if (this.account !== null) return this.account.world.machines.hostPath(instanceId, path.join(this.awsHome, ...parts))
    return path.join(this.root, 'data', 'local', 'instances', instanceId, 'home', ...parts)
  }

  /** The same file by its path on the instance. */
  pathOn(instanceId: string, ...parts: readonly string[]): string {
    return this.account?.world.machines.kind === 'namespaces' ? path.join(this.awsHome, ...parts) : this.home(instanceId, ...parts)
  }

  private get awsHome(): string {
    return this.account?.world.machines.kind === 'namespaces' ? '/home/ec2-user' : '/home'
  }

  readHome(instanceId: string, ...parts: readonly string[]): Promise<string> {
    return readFile(this.home(instanceId, ...parts), 'utf8')
  }

  /** The CLI as a process that the test ends or waits for itself. */
  spawn(argv: readonly string[], {cwd = this.project, env = {}}: RunOptions = {}): ChildProcess {
    // As a user does, by its first line: what that hands to Node counts.
    return spawn(RUN_JS, argv, {cwd, env: {...this.env, ...env}, stdio: ['ignore', 'pipe', 'pipe']})
  }

  /** A line for bash, where it is about pipes. */
  shell(line: string): ChildProcess {
    return spawn('bash', ['-c', line], {cwd: this.project, env: this.env, stdio: ['ignore', 'pipe', 'pipe']})
  }

  async run(argv: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    return collect(this.spawn(argv, options), options.timeoutMs ?? 60_000, argv)
  }

  /** Runs and expects success. */
  async ok(argv: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    const outcome = await this.run(argv, options)
    if (outcome.code !== 0) throw new Error(`runctl ${argv.join(' ')} ended with ${outcome.code}\n--- stdout\n${outcome.stdout}\n--- stderr\n${outcome.stderr}`)
    return outcome
  }

  /** Runs with --json before any `--` and gives the one document back, which is what its schema says. */
  async json<T = Record<string, unknown>>(argv: readonly string[], options: RunOptions = {}): Promise<T> {
    const {stderr, stdout} = await this.ok(withJson(argv), options)
    if (!/^(Warning: .*\n)*$/.test(stderr)) throw new Error(`runctl ${argv.join(' ')} wrote more than warnings to stderr under --json:\n${stderr}`)
    return validated(stdout, schemaName(argv)) as T
  }

  /** The document of a command that prints its result whatever its exit status is. */
  document<T>({stdout}: Outcome, argv: readonly string[]): T {
    return validated(stdout, schemaName(argv)) as T
  }

  /** Like {@link json} for a command that fails: the error document and the exit status. */
  async jsonError(argv: readonly string[], options: RunOptions = {}): Promise<ErrorDocument & {readonly code: number | null}> {
    const outcome = await this.run(withJson(argv), options)
    if (outcome.code === 0) throw new Error(`runctl ${argv.join(' ')} succeeded:\n${outcome.stdout}`)
    const document = validated(outcome.stdout, 'error') as ErrorDocument
    if (document.error.exit_code !== outcome.code) throw new Error(`the document says exit status ${document.error.exit_code}, it was ${outcome.code}`)
    return {...document, code: outcome.code}
  }

  /** A running instance; its id. */
  async instance(): Promise<string> {
    return (await this.json<{instance: {id: string}}>([this.platform, 'create', '--wait'])).instance.id
  }

  /** Ends every instance of this bench and removes its folders. */
  async destroy(): Promise<void> {
    if (this.machines !== null) await this.machines.close()
    else if (this.account === null) await this.#terminateAll()
    else await this.account.close()
    await rm(this.root, {recursive: true, force: true, maxRetries: 5})
  }

  async #terminateAll(): Promise<void> {
    const {stdout} = await this.run(['resources', 'list', '--platform', 'local', '--json'])
    const instances = JSON.parse(stdout || '[]') as readonly {id: string}[]
    await Promise.all(instances.map(({id}) => this.run(['local', 'terminate', id, '--force', '--grace', '1s'])))
  }
}

/** Machines with sshd, which the user's configuration lists, and the plugin that reaches them. */
async function startMachines(root: string): Promise<SshMachines> {
  const {startSshMachines} = await import('../../ssh-machines/index.js')
  const machines = await startSshMachines(SSH_MACHINES)
  const {config_file, hosts, suspend, usd_per_hour, wake} = machines.settings
  const toml = (value: unknown): string => JSON.stringify(value).replaceAll(/("(?:[^"\\]|\\.)*"):/g, '$1 = ')
  await mkdir(path.join(root, 'config'))
  await writeFile(path.join(root, 'config', 'config.toml'), `[ssh]\n${Object.entries({hosts, config_file, wake, suspend, usd_per_hour}).map(([key, value]) => `${key} = ${toml(value)}\n`).join('')}`)
  await mkdir(path.join(root, 'data'))
  const plugin = {name: 'runctl-plugin-ssh', root: path.join(REPOSITORY, 'plugins', 'ssh'), type: 'link'}
  await writeFile(path.join(root, 'data', 'package.json'), JSON.stringify({private: true, dependencies: {}, oclif: {schema: 1, plugins: [plugin]}}))
  return machines
}

/** Loaded where it is used: most tests need no account. */
async function startAccount(options: BenchOptions | undefined): Promise<AwsBench> {
  const {startAwsBench} = await import('../../bench/index.js')
  return startAwsBench(options)
}

export interface ErrorDocument {
  readonly error: {
    readonly code: string
    readonly message: string
    readonly exit_code: number
    readonly next: readonly string[]
    readonly still_running: readonly string[]
    readonly details: Readonly<Record<string, unknown>>
  }
}

function withJson(argv: readonly string[]): readonly string[] {
  const at = argv.indexOf('--')
  return at === -1 ? [...argv, '--json'] : [...argv.slice(0, at), '--json', ...argv.slice(at)]
}

export function collect(child: ChildProcess, timeoutMs: number, argv: readonly string[] = []): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const out: Buffer[] = []
    const err: Buffer[] = []
    child.stdout?.on('data', (chunk: Buffer) => out.push(chunk))
    child.stderr?.on('data', (chunk: Buffer) => err.push(chunk))
    const text = (chunks: readonly Buffer[]): string => Buffer.concat(chunks).toString('utf8')
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      reject(new Error(`runctl ${argv.join(' ')} took over ${timeoutMs} ms\n--- stdout\n${text(out)}\n--- stderr\n${text(err)}`))
    }, timeoutMs)
    child.on('error', reject)
    child.on('close', code => {
      clearTimeout(timer)
      resolve({code, stdout: text(out), stderr: text(err)})
    })
  })
}

/** Polls until the condition holds; the figure is a limit, not a pause. */
export async function until(condition: () => Promise<boolean> | boolean, timeoutMs: number, what: string): Promise<void> {
  const deadline = Date.now() + timeoutMs
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}
