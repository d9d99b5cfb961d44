import {randomUUID} from 'node:crypto'
import path from 'node:path'

import type {StepContext} from 'runctl'

import {isTimeForCheckpoint} from './checkpoint-gap.js'
import {makeDocument, type Told} from './document.js'
import {messageBody} from './message-body.js'
import {readSettings} from './settings.js'
import {Spool, type Undelivered} from './spool.js'
import {startSender} from './start-sender.js'

/** Of one command: what is wrong is told once, however many steps find it. */
const said = new Set<string>()

export function spoolFolder(dataDir: string): string {
  return path.join(dataDir, 'notify')
}

/**
 * Lays the message down and has it sent by a process of its own. Never rejects: no training, save or stop fails because somebody could not be told of
 * it, and none waits for a network.
 */
export async function notify(dataDir: string, context: Pick<StepContext, 'note' | 'RunctlError' | 'settings'>, told: Told, start = startSender): Promise<void> {
  const {note, RunctlError, settings: all} = context
  const say = (message: string): void => {
    if (said.has(message)) return
    said.add(message)
    note(message)
  }
  const folder = spoolFolder(dataDir)
  try {
    const settings = readSettings(all, RunctlError)
    if (settings === null) return
    const spool = new Spool(folder)
    const untold = await spool.takeUntold()
    if (untold.length > 0) say(undeliveredWords(untold))
    if (settings.events.includes(told.event)) {
      const now = new Date()
      const run = told.run?.run_id ?? told.runId ?? ''
      if (told.event === 'checkpoint-saved' && !(await isTimeForCheckpoint(folder, `${told.instance.id} ${run}`, settings.checkpointGapMs, now.getTime()))) return
      const id = randomUUID()
      const body = messageBody(makeDocument(told, id, now), settings.format)
      await spool.add({version: 1, id, event: told.event, at: now.toISOString(), giveUpAt: now.getTime() + settings.retryForMs, url: settings.url, body})
    }
    // Also for what an earlier sender left behind when it was killed.
    if (!(await spool.isEmpty())) await start(folder)
  } catch (error) {
    say(`notify: no message is sent: ${wordsOf(error)}`)
  }
}

function undeliveredWords(untold: readonly Undelivered[]): string {
  const last = untold.at(-1)
  const count = untold.length === 1 ? 'a message was' : `${untold.length} messages were`
  return `notify: ${count} not delivered, the last one to ${last?.host ?? ''}: ${last?.why ?? ''}; see: runctl notify status`
}

function wordsOf(error: unknown): string {
  const {code, message, next} = error as {readonly code?: unknown; readonly message?: unknown; readonly next?: readonly string[]}
  if (code === 'ENOSPC' || code === 'EDQUOT') return 'the disk is full'
  return `${String(message)}${next?.[0] === undefined ? '' : `; next: ${next[0]}`}`
}
