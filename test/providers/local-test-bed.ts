import {fork, type ChildProcess} from 'node:child_process'
import {mkdtemp, realpath, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'

import type {Instance} from '../../src/model/instance.js'
import {LocalProvider} from '../../src/providers/local/local-provider.js'
import {thisMachine, type Machine} from '../../src/providers/local/machine.js'

/** Local instances in a temporary data folder, on a machine that can be rebooted and with a clock that can be moved. */
export class LocalTestBed {
  now = new Date('2026-11-23T12:00:00Z')
  bootId = 'boot-1'
  readonly machine: Machine = {...thisMachine(), bootId: () => this.bootId}

  private constructor(readonly dataDir: string) {}

  static async create(): Promise<LocalTestBed> {
    return new LocalTestBed(await realpath(await mkdtemp(join(tmpdir(), 'runctl-'))))
  }

  provider(env: Readonly<Record<string, string | undefined>> = process.env, machine = this.machine): LocalProvider {
    return new LocalProvider({dataDir: this.dataDir, env, machine, now: () => this.now})
  }

  folder(id: string, ...parts: readonly string[]): string {
    return join(this.dataDir, 'local', 'instances', id, ...parts)
  }

  home(id: string): string {
    return this.folder(id, 'home')
  }

  async dispose(): Promise<void> {
    const provider = this.provider()
    for (const instance of await describeAll(provider)) await provider.terminateInstance(instance.id)
    await rm(this.dataDir, {recursive: true, force: true})
  }
}

export async function describeAll(provider: LocalProvider): Promise<readonly Instance[]> {
  const all: Instance[] = []
  for await (const instance of provider.describeInstances({})) all.push(instance)
  return all
}

export async function run(provider: LocalProvider, id: string, script: string): Promise<string> {
  const {exitCode, stdout, stderr} = await provider.shell.run(id, {script, timeoutMs: 20_000})
  if (exitCode !== 0) throw new Error(`exit status ${exitCode}: ${Buffer.from(stderr).toString()}`)
  return Buffer.from(stdout).toString().trim()
}

/** Another runctl: a process of its own, doing what `local-peer.ts` can do. */
export function startPeer(...args: readonly string[]): ChildProcess {
  const file = new URL('local-peer.ts', import.meta.url)
  return fork(file, args, {execArgv: ['--import', 'tsx'], stdio: ['ignore', 'ignore', 'inherit', 'ipc']})
}

export function nextMessage(peer: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    peer.once('message', resolve)
    peer.once('exit', code => reject(new Error(`the peer ended with ${code}`)))
  })
}

export function isAlive(pid: number): boolean {
  return thisMachine().processStart(pid) !== null
}
