import type {Clock} from '../core/clock.js'
import {isRunctlError, type RunctlError} from '../model/errors.js'
import {formatDuration} from '../ui/duration.js'
import {ScreenBlock} from '../ui/screen-block.js'

type Write = (text: string) => Promise<void>

export interface WatchOptions {
  readonly everyMs: number
  /** The lines of a terminal that is drawn on anew each time; null: each look is a block of its own, below the last one. */
  readonly screenRows: () => number | null
  /** Each look is one line for programs: nothing stands between them. */
  readonly bare: boolean
}

export interface WatchDeps {
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly write: Write
  /** A look failed that is not the first one: the next may not. */
  readonly tell: (error: RunctlError) => void
}

/** Looks again and again until the signal aborts; resolves then. Rejects where the first look fails. */
export async function watch(look: (write: Write) => Promise<void>, {bare, everyMs, screenRows}: WatchOptions, deps: WatchDeps): Promise<void> {
  const {clock, signal, tell, write} = deps
  const header = (): string => (bare ? '' : `${clock.now().toISOString().slice(0, 19).replace('T', ' ')} UTC, every ${formatDuration(everyMs).replace('.0s', 's')} until Ctrl-C\n\n`)
  try {
    for (let looks = 0; ; looks++) {
      try {
        const rows = screenRows()
        if (rows === null) await lookBelow(look, `${looks > 0 && !bare ? '\n' : ''}${header()}`, write)
        else await write(`${looks === 0 ? '\x1b[2J' : ''}${await drawn(look, header(), rows)}`)
      } catch (error) {
        if (looks === 0 || signal.aborted || !isRunctlError(error)) throw error
        tell(error)
      }
      await clock.sleep(everyMs, signal)
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

/** The header comes with the first piece: not before it is known that there is something to show. */
async function lookBelow(look: (write: Write) => Promise<void>, header: string, write: Write): Promise<void> {
  let before = header
  await look(async text => {
    await write(before + text)
    before = ''
  })
}

async function drawn(look: (write: Write) => Promise<void>, header: string, rows: number): Promise<string> {
  const block = new ScreenBlock(rows)
  block.push(header)
  await look(async text => block.push(text))
  return block.render()
}
