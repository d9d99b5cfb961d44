import {expect} from 'chai'
import {PassThrough} from 'node:stream'

import {createProgress, type ProgressOptions, type ProgressOutput} from '../../src/ui/progress.js'
import {ASCII_MARKS, marksFor, UNICODE_MARKS} from '../../src/ui/progress-marks.js'

class Screen extends PassThrough {
  readonly isTTY = true
  readonly columns = 80
  text = ''

  constructor() {
    super()
    this.on('data', (chunk: Buffer) => (this.text += chunk.toString()))
  }
}

interface Setup {
  readonly progress: ProgressOutput
  readonly screen: Screen
  readonly wait: (ms: number) => void
}

function setUp(mode: ProgressOptions['mode'], over: Partial<ProgressOptions> = {}): Setup {
  const screen = new Screen()
  let now = 0
  const progress = createProgress({stream: screen, mode, color: false, marks: UNICODE_MARKS, now: () => now, ...over})
  return {progress, screen, wait: ms => void (now += ms)}
}

describe('createProgress', () => {
  describe('as lines', () => {
    it('prints a line for each finished step with detail and time', () => {
      const {progress, screen, wait} = setUp('lines')
      progress.emit({type: 'step', id: 'a', title: 'Sync the code'})
      wait(1200)
      progress.emit({type: 'step-done', id: 'a', detail: '3 files'})
      progress.emit({type: 'step', id: 'b', title: 'Start'})
      progress.emit({type: 'step-failed', id: 'b'})
      expect(screen.text).to.equal('✔ Sync the code: 3 files (1.2s)\n✖ Start\n')
    })

    it('says that a step began where another line comes before its end', () => {
      const {progress, screen} = setUp('lines')
      progress.emit({type: 'step', id: 'a', title: 'Sync'})
      progress.emit({type: 'warning', message: '.env looks like a secret'})
      progress.emit({type: 'note', message: 'second'})
      progress.emit({type: 'step-done', id: 'a'})
      expect(screen.text).to.equal('… Sync\nWarning: .env looks like a secret\nsecond\n✔ Sync\n')
    })

    it('says that a step began when it takes long', async () => {
      const {progress, screen} = setUp('lines', {announceAfterMs: 1})
      progress.emit({type: 'step', id: 'a', title: 'Wait'})
      await new Promise(resolve => setTimeout(resolve, 20))
      progress.emit({type: 'step-done', id: 'a'})
      expect(screen.text).to.equal('… Wait\n✔ Wait\n')
    })

    it('uses ASCII where the locale is not UTF-8', () => {
      const {progress, screen} = setUp('lines', {marks: ASCII_MARKS})
      progress.emit({type: 'step', id: 'a', title: 'Sync'})
      progress.emit({type: 'step-failed', id: 'a', detail: 'no space'})
      expect(screen.text).to.equal('[failed] Sync: no space\n')
      for (const env of [{}, {LANG: 'C'}, {LANG: 'de_DE.UTF-8', LC_ALL: 'C'}]) expect(marksFor(env, 'linux')).to.equal(ASCII_MARKS)
      expect(marksFor({LANG: 'en_US.utf8'}, 'linux')).to.equal(UNICODE_MARKS)
      expect(marksFor({}, 'darwin')).to.equal(UNICODE_MARKS)
      expect(marksFor({WT_SESSION: 'x'}, 'win32')).to.equal(UNICODE_MARKS)
    })

    it('escapes what comes from elsewhere', () => {
      const {progress, screen} = setUp('lines')
      progress.emit({type: 'step', id: 'a', title: 'Run \x1b[2J\n'})
      progress.emit({type: 'step-done', id: 'a', detail: '\r\x07'})
      progress.emit({type: 'note', message: '\x1b]0;x\x07'})
      expect(screen.text).to.equal('✔ Run \\x1b[2J\\n: \\x0d\\x07\n\\x1b]0;x\\x07\n')
    })
  })

  it('prints nothing when silent', async () => {
    const {progress, screen} = setUp('silent')
    progress.emit({type: 'step', id: 'a', title: 'Sync'})
    progress.emit({type: 'warning', message: 'x'})
    await progress.stop()
    expect(screen.text).to.equal('')
  })

  describe('on a terminal', () => {
    const settled = (screen: Screen, part: string): Promise<void> =>
      new Promise(resolve => {
        const look = (): void => {
          if (!screen.text.includes(part)) return
          screen.off('data', look)
          resolve()
        }
        screen.on('data', look)
        look()
      })

    it('draws a step while it lasts, takes the drawing away, and leaves its line and those that came with it', async () => {
      const {progress, screen, wait} = setUp('tty')
      progress.emit({type: 'step', id: 'a', title: 'Sync the code'})
      await settled(screen, '⠙ Sync the code')
      progress.emit({type: 'warning', message: 'large file'})
      await settled(screen, '    Warning: large file')
      wait(1200)
      progress.emit({type: 'step-done', id: 'a', detail: '3 files'})
      await progress.stop()
      expect(screen.text).to.contain('\x1b[?25l')
      expect(screen.text).to.match(/\x1b\[\?25hWarning: large file\n✔ Sync the code: 3 files \(1\.2s\)\n$/)
      expect(process.listenerCount('SIGTERM')).to.equal(0)
    })

    it('does not draw steps that are over at once, and keeps the order', async () => {
      const {progress, screen} = setUp('tty')
      for (const id of ['a', 'b', 'c']) {
        progress.emit({type: 'step', id, title: id})
        progress.emit({type: 'note', message: `in ${id}`})
        progress.emit({type: 'step-done', id})
      }
      await progress.stop()
      expect(screen.text).to.equal('in a\n✔ a\nin b\n✔ b\nin c\n✔ c\n')
    })

    it('leaves the terminal to a log after pause, and draws the next step again', async () => {
      const {progress, screen} = setUp('tty')
      progress.emit({type: 'step', id: 'a', title: 'Follow'})
      await settled(screen, '⠙ Follow')
      await progress.pause()
      const paused = screen.text.length
      screen.write('log line\n')
      progress.emit({type: 'step-done', id: 'a'})
      expect(screen.text.slice(paused)).to.equal('log line\n✔ Follow\n')
      progress.emit({type: 'step', id: 'b', title: 'Verify'})
      await settled(screen, '⠙ Verify')
      await progress.stop()
      expect(screen.text).to.match(/✖ Verify: interrupted\n$/)
    })

    it('shows a step inside another below it', async () => {
      const {progress, screen} = setUp('tty')
      progress.emit({type: 'step', id: 'outer', title: 'Outer'})
      await settled(screen, '⠙ Outer')
      progress.emit({type: 'step', id: 'inner', title: 'Inner'})
      await settled(screen, '    … Inner')
      progress.emit({type: 'step-done', id: 'inner'})
      progress.emit({type: 'step-done', id: 'outer'})
      await progress.stop()
      expect(screen.text).to.match(/✔ Inner\n✔ Outer\n$/)
    })
  })
})
