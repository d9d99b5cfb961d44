import {randomBytes} from 'node:crypto'
import {mkdir, rm, writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import {RunctlError} from '../../model/errors.js'
import type {Shell, ShellRequest, ShellResult} from '../provider.js'
import {isFullDisk} from './disk-error.js'
import type {InstanceKeeper} from './instance-keeper.js'
import type {InstanceRecord} from './instance-record.js'
import {runScript, type ScriptEnd} from './run-script.js'
import {shellEnvironment} from './shell-environment.js'

const MIB = 1024 * 1024
/** One argument has at most 128 KiB on Linux. */
const MAX_ARGUMENT_BYTES = 96 * 1024

interface PreparedScript {
  readonly args: readonly string[]
  /** To be taken away afterwards. */
  readonly file: string | null
}

export class LocalShell implements Shell {
  readonly maxInputBytes = 64 * MIB
  readonly maxOutputBytes = 8 * MIB
  readonly maxWaitMs = 25_000

  constructor(
    private readonly keeper: Pick<InstanceKeeper, 'current' | 'whileHeld'>,
    private readonly home: (instanceId: string) => string,
    private readonly env: Readonly<Record<string, string | undefined>>,
  ) {}

  async run(instanceId: string, request: ShellRequest): Promise<ShellResult> {
    request.signal?.throwIfAborted()
    const size = request.stdin?.byteLength ?? 0
    if (size > this.maxInputBytes) {
      throw new RunctlError('bad_input', `${size} bytes are more than the ${this.maxInputBytes} that one command takes as input`)
    }

    // An instance is stopped under the same lock, so no script slips in between the mark `stopped` and the kill.
    const start = async (record: InstanceRecord): Promise<{readonly ended: Promise<ScriptEnd>; readonly bootId: string}> => {
      requireRunning(record)
      const ended = this.spawn(record, request, await this.prepare(record, request.script))
      // Waited for below, when the lock is free again.
      ended.catch(() => undefined)
      return {ended, bootId: record.boot_id}
    }
    const started = await this.keeper.whileHeld(instanceId, start, request.signal ? {signal: request.signal} : {})
    const {exitCode, signal, stdout, stderr} = await started.ended
    if (signal === 'SIGKILL') {
      const now = await this.keeper.current(instanceId)
      requireRunning(now)
      if (now.boot_id !== started.bootId) {
        throw new RunctlError('wrong_state', `instance ${instanceId} was stopped and started again during the command`)
      }
    }
    return {exitCode, stdout, stderr}
  }

  private async prepare(record: InstanceRecord, script: string): Promise<PreparedScript> {
    const home = this.home(record.id)
    await mkdir(join(home, 'tmp'), {mode: 0o700}).catch((error: unknown) => {
      const {code} = error as NodeJS.ErrnoException
      if (code === 'ENOENT') throw homeIsGone(record.id, home)
      // A full disk is what the script may be there to deal with.
      if (code !== 'EEXIST' && !isFullDisk(error)) throw error
    })
    if (Buffer.byteLength(script) <= MAX_ARGUMENT_BYTES) return {args: ['-c', '--', script], file: null}
    const file = join(home, 'tmp', `script-${randomBytes(6).toString('hex')}`)
    await writeFile(file, script, {mode: 0o600})
    return {args: [file], file}
  }

  private async spawn(record: InstanceRecord, request: ShellRequest, {args, file}: PreparedScript): Promise<ScriptEnd> {
    const home = this.home(record.id)
    const {id} = record
    const limits = {time: `${request.timeoutMs / 1000} s`, output: `${this.maxOutputBytes / MIB} MiB`}
    try {
      return await runScript({
        program: '/bin/sh',
        args,
        cwd: home,
        env: shellEnvironment({instanceId: id, home, bootId: record.boot_id, bootAt: record.launched_at}, this.env),
        stdin: request.stdin ?? new Uint8Array(),
        timeoutMs: request.timeoutMs,
        maxOutputBytes: this.maxOutputBytes,
        ...(request.signal ? {signal: request.signal} : {}),
        onTimeout: () => new RunctlError('timed_out', `the command on ${id} was not done after ${limits.time} and was ended`),
        onTooMuchOutput: () => new RunctlError('platform_failed', `the command on ${id} printed more than ${limits.output} and was ended`),
      })
    } finally {
      if (file !== null) await rm(file, {force: true})
    }
  }
}

function requireRunning(record: InstanceRecord): void {
  if (record.state === 'running') return
  const ended = record.state === 'terminated' || record.state === 'shutting-down'
  const why = record.state_reason === null ? '' : ` (${record.state_reason})`
  throw new RunctlError('wrong_state', `instance ${record.id} is ${record.state}${why}, not running`, {
    next: [ended ? 'runctl local create' : `runctl local start ${record.id} --wait`],
    details: {instance_id: record.id, state: record.state, state_reason: record.state_reason},
  })
}

function homeIsGone(id: string, home: string): RunctlError {
  return new RunctlError('platform_failed', `the disk of ${id}, the folder ${home}, was removed by something else`, {
    next: [`runctl local terminate ${id} --force`],
    details: {instance_id: id},
  })
}
