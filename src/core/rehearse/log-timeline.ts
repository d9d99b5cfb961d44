import {readLogMark, type LogMark} from '../../model/log-steps.js'

/** A line that says how far the training is, and when it was seen. */
export interface TimedMark extends LogMark {
  /** Milliseconds since 1970. */
  readonly atMs: number
}

/** A line longer than this is no progress; what was read of it is dropped, so that memory does not grow with a log without line feeds. */
const LONGEST_LINE = 1 << 16

/** What a log says of the progress, as its bytes come. Bars of progress end their lines with a carriage return. */
export class LogTimeline {
  readonly marks: TimedMark[] = []
  private readonly decoder = new TextDecoder()
  private unfinished = ''

  push(bytes: Uint8Array, atMs: number): void {
    const lines = (this.unfinished + this.decoder.decode(bytes, {stream: true})).split(/[\r\n]+/)
    this.unfinished = lines.pop() ?? ''
    if (this.unfinished.length > LONGEST_LINE) this.unfinished = ''
    for (const line of lines) this.read(line, atMs)
  }

  /** The log is at its end: its last line may have none. */
  end(atMs: number): void {
    this.read(this.unfinished, atMs)
    this.unfinished = ''
  }

  private read(line: string, atMs: number): void {
    const mark = line.length > LONGEST_LINE ? null : readLogMark(line)
    if (mark) this.marks.push({...mark, atMs})
  }
}
