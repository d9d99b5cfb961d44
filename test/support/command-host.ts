import {captureOutput} from '@oclif/test'
import {Config, type Command} from '@oclif/core'
import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import path from 'node:path'

import type {PlatformDefinition} from '../../src/providers/provider.js'
import {HookHost} from './hook-host.js'

const OWN_VARIABLES = ['NO_COLOR', 'RUNCTL_CONFIG_DIR', 'RUNCTL_OUTPUT_FORMAT', 'RUNCTL_DATA_DIR', 'RUNCTL_CACHE_DIR'] as const

export interface CommandOutcome {
  readonly stdout: string
  readonly stderr: string
  readonly code: number | string | null | undefined
}

/** Runs commands in this process, with platforms of the test's own and folders that are thrown away. */
export class CommandHost {
  private constructor(
    readonly folder: string,
    private readonly config: Config,
    private readonly before: Readonly<Record<string, string | undefined>>,
  ) {}

  static async create(platforms: () => readonly PlatformDefinition[]): Promise<CommandHost> {
    const before = Object.fromEntries(OWN_VARIABLES.map(name => [name, process.env[name]]))
    const folder = await mkdtemp(path.join(tmpdir(), 'runctl-command-'))
    Object.assign(process.env, {NO_COLOR: '1', RUNCTL_CONFIG_DIR: folder, RUNCTL_DATA_DIR: path.join(folder, 'data'), RUNCTL_CACHE_DIR: path.join(folder, 'cache')})
    const config = await Config.load(path.resolve(import.meta.dirname, '../..'))
    const host = new HookHost({runctl: {platforms}})
    config.runHook = host.runHook.bind(host)
    return new CommandHost(folder, config, before)
  }

  async run(command: Command.Class, argv: readonly string[]): Promise<CommandOutcome> {
    process.exitCode = undefined
    try {
      const {stderr, stdout} = await captureOutput(async () => this.start(command, argv), {print: false, testNodeEnv: 'production'})
      return {stdout, stderr, code: process.exitCode}
    } finally {
      process.exitCode = undefined
    }
  }

  /** As oclif's own `run` does, but with our config: that one loads another. */
  private start(command: Command.Class, argv: readonly string[]): Promise<unknown> {
    // The stand-in of @oclif/test calls back only where an encoding is given before. It is put back by who put it there.
    const write = process.stdout.write.bind(process.stdout) as (data: string | Uint8Array, encoding?: BufferEncoding, done?: () => void) => boolean
    process.stdout.write = ((data: string | Uint8Array, ...rest: readonly unknown[]) => write(data, undefined, rest.find((one): one is () => void => typeof one === 'function')))
    const instance = new (command as unknown as new (argv: readonly string[], config: Config) => {_run(): Promise<unknown>})(argv, this.config)
    return instance._run()
  }

  async remove(): Promise<void> {
    for (const [name, value] of Object.entries(this.before)) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
    await rm(this.folder, {recursive: true})
  }
}

/** A platform over a provider of the test's. Owns what begins with its name and a dash. */
export const definitionOf = (name: string, create: PlatformDefinition['create'], over: Partial<PlatformDefinition> = {}): PlatformDefinition =>
  ({name, apiVersion: 1, description: name, ownsInstanceId: id => id.startsWith(`${name}-`), create, ...over})
