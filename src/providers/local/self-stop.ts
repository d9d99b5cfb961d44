/**
 * How a local instance ends its own time. Nothing runs as root in the background here: the agent on the instance lays down `power-off` as everywhere, and
 * whoever looks at the instance next ends its processes. The hard limit of `watch` is kept in the same way, where the agent's guard is gone.
 */
import {chmod, mkdir, open, rm, stat, writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import type {InstanceStateReason} from '../../model/instance.js'
import type {FirstLimits, SelfStop} from '../provider.js'
import type {InstanceRecord} from './instance-record.js'

export const LOCAL_SELF_STOP: SelfStop = {install: null, endsAs: () => 'stop', access: null}

/** The most that is read of a file that an instance wrote. */
const MAX_BYTES = 4096
/** A guard that has not shown itself for so long is gone. It does so every few seconds. */
const GUARD_GONE_MS = 120_000
/** A later start has so long before the hard limit applies: somebody may be about to give it more. */
const START_GRACE_MS = 900_000
const MAX_TAG_CHARACTERS = 256

export interface SelfStopWish {
  readonly reason: InstanceStateReason | null
  /** For people; what stands in the file is whatever was written there. null: nothing. */
  readonly detail: string | null
  readonly at: Date
}

/** What an instance that runs wants of whoever looks; null: to go on. */
export async function selfStopWish(home: string, record: InstanceRecord, now: Date): Promise<SelfStopWish | null> {
  const asked = await readStart(join(home, '.runctl', 'power-off'))
  if (asked !== null) return parseWish(asked, record, now)
  const hard = /^(\d{1,9}) /.exec((await readStart(join(home, '.runctl', 'watch'))) ?? '')?.[1]
  if (hard === undefined || usedSeconds(record, now) <= Number(hard)) return null
  const isJustStarted = (record.used_seconds ?? 0) > 0 && now.getTime() - Date.parse(record.launched_at) < START_GRACE_MS
  if (isJustStarted || !(await guardIsGone(home))) return null
  return {reason: 'budget', detail: `it had run for more than ${hard} s, and nothing on it kept its limits any more`, at: now}
}

/** All starts together, up to now where it runs. */
export function usedSeconds(record: InstanceRecord, now: Date): number {
  const current = record.state === 'running' ? Math.max(0, (now.getTime() - Date.parse(record.launched_at)) / 1000) : 0
  return (record.used_seconds ?? 0) + current
}

export async function forgetPowerOff(home: string): Promise<void> {
  await rm(join(home, '.runctl', 'power-off'), {force: true})
}

/** The files of an instance that is born with limits. */
export async function layDownLimits(home: string, {forAgent, hardSeconds, unattendedSeconds}: FirstLimits): Promise<void> {
  const folder = join(home, '.runctl')
  await mkdir(folder, {recursive: true})
  await chmod(folder, 0o700)
  const word = (seconds: number | null): string => (seconds === null ? '-' : String(Math.ceil(seconds)))
  await writeFile(join(folder, 'limits.json'), forAgent, {mode: 0o600})
  await writeFile(join(folder, 'watch'), `${word(hardSeconds)} ${word(unattendedSeconds)}\n`, {mode: 0o600})
}

/** It is there: that counts, whatever stands in it. */
function parseWish(text: string, record: InstanceRecord, now: Date): SelfStopWish {
  const {at, detail, reason} = parseObject(text)
  const time = typeof at === 'string' ? new Date(at).getTime() : Number.NaN
  const isPossible = time >= Date.parse(record.launched_at) && time <= now.getTime()
  return {
    reason: reason === 'budget' || reason === 'idle' ? reason : null,
    detail: typeof detail === 'string' && detail !== '' ? [...detail].slice(0, MAX_TAG_CHARACTERS).join('') : null,
    at: isPossible ? new Date(time) : now,
  }
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value = JSON.parse(text) as unknown
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

/** null where it is no file that can be read. */
async function readStart(path: string): Promise<string | null> {
  const info = await stat(path).catch(() => null)
  if (!info?.isFile()) return null
  const file = await open(path).catch(() => null)
  if (file === null) return null
  try {
    const {buffer, bytesRead} = await file.read(Buffer.alloc(MAX_BYTES), 0, MAX_BYTES, 0)
    return buffer.toString('utf8', 0, bytesRead)
  } catch {
    return null
  } finally {
    await file.close()
  }
}

async function guardIsGone(home: string): Promise<boolean> {
  const info = await stat(join(home, '.runctl', 'guard-alive')).catch(() => null)
  // The file system's clock is the real one.
  return info === null || Date.now() - info.mtimeMs > GUARD_GONE_MS
}
