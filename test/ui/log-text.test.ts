import {expect} from 'chai'
import fc from 'fast-check'

import {LogText} from '../../src/ui/log-text.js'
import {RAW_CONTROL} from './samples.js'

const bytesOf = (text: string): Uint8Array => Buffer.from(text)

function show(text: Uint8Array | string, maxLineBytes?: number): string {
  const log = new LogText(maxLineBytes === undefined ? {} : {maxLineBytes})
  return log.push(typeof text === 'string' ? bytesOf(text) : text) + log.end()
}

describe('LogText', () => {
  it('gives plain lines as they are', () => {
    expect(show('epoch 1\nloss\t0.5 — größer 訓練 🚀\n')).to.equal('epoch 1\nloss\t0.5 — größer 訓練 🚀\n')
  })

  it('replaces bytes that are no UTF-8 and goes on', () => {
    expect(show(Buffer.from([0x61, 0xff, 0xfe, 0x62, 0x0a, 0x63]))).to.equal('a\ufffd\ufffdb\nc')
  })

  it('joins a character that was cut between chunks', () => {
    const log = new LogText()
    const rocket = bytesOf('🚀')
    expect(log.push(rocket.subarray(0, 2)) + log.push(rocket.subarray(2)) + log.end()).to.equal('🚀')
  })

  it('removes colours, cursor movements, titles and links', () => {
    expect(show('\x1b[1;31mred\x1b[0m \x1b[2J\x1b[10;5Hx \x1b(B\x1b7y')).to.equal('red x y')
    expect(show('\x1b]0;owned\x07a \x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\ \x1bPq#0\x1b\\b')).to.equal('a link b')
  })

  it('does not let an unclosed sequence hide the lines after it', () => {
    expect(show('a\x1b]0;title without end\nnext\n')).to.equal('a\nnext\n')
    expect(show('a\x1b[12\nnext\n')).to.equal('a\nnext\n')
    expect(show(`\x1b]${'x'.repeat(5000)}end`)).to.match(/^x{900,}end$/)
  })

  it('makes other control characters visible', () => {
    expect(show('a\x00b\x07\x08\x7fc\u009b31m\u202etxt')).to.equal('a\\x00b\\x07\\x08\\x7fc\\x9b31m\\u202etxt')
  })

  it('shows the last state of a line that a progress bar rewrote', () => {
    expect(show('\r  0%|   |\r 50%|#  |\r100%|###|\ndone\n')).to.equal('100%|###|\ndone\n')
    expect(show('bar\r   \rmessage\n')).to.equal('message\n')
  })

  it('takes a carriage return before a line feed as the end of the line', () => {
    expect(show('a\r\nb\r\r\nc\r')).to.equal('a\nb\nc')
  })

  it('offers the unfinished line without finishing it', () => {
    const log = new LogText()
    expect(log.push(bytesOf('done\n10%\r20%'))).to.equal('done\n')
    expect(log.pending).to.equal('20%')
    expect(log.push(bytesOf('\r30%\n'))).to.equal('30%\n')
    expect(log.pending).to.equal('')
  })

  it('cuts a line that is too long and says how long it was', () => {
    expect(show(`${'x'.repeat(100)}\nnext\n`, 10)).to.equal('xxxxxxxxxx… [line of 100 B cut]\nnext\n')
    expect(show('äääb', 3)).to.equal('ä… [line of 7 B cut]')
  })

  it('keeps no more of an endless line than it shows', () => {
    const log = new LogText()
    const megabyte = Buffer.alloc(1_000_000, 'y')
    let printed = ''
    for (let count = 0; count < 50; count += 1) printed += log.push(megabyte)
    expect(printed).to.equal('')
    expect(log.pending.length).to.be.below(17_000)
    expect(log.push(bytesOf('\n'))).to.match(/y… \[line of 50 MB cut\]\n$/)
  })

  it('takes time in proportion to the log, not to its square', () => {
    const hostile = ['\r', '\x1b', '\x1b[', '\x1b]', 'ab\r', '\x00', '\xff', '\u202e']
    for (const piece of hostile) {
      const started = performance.now()
      show(Buffer.from(piece.repeat(Math.ceil(1_000_000 / piece.length)), 'latin1'))
      expect(performance.now() - started, JSON.stringify(piece)).to.be.below(3000)
    }
  })

  it('gives the same text however the bytes are cut into chunks', () => {
    const sequences = ['\x1b', '[', ']', '\\', '\x07', '\x9c', '0', ';', 'm', '\x1b[31m', '\x1bP', '\u009b']
    const special = fc.constantFrom(...sequences, '\r', '\n', '\r\n', '🚀', 'é', '\u202e', '\ufeff', ' ')
    const piece = fc.oneof(
      special.map(text => Buffer.from(text)),
      fc.uint8Array({maxLength: 6}).map(bytes => Buffer.from(bytes)),
      fc.string({unit: 'binary', maxLength: 6}).map(text => Buffer.from(text)),
    )
    const log = fc.array(piece, {maxLength: 40}).map(pieces => Buffer.concat(pieces))
    fc.assert(
      fc.property(log, fc.array(fc.nat({max: 7}), {maxLength: 60}), fc.integer({min: 1, max: 40}), (bytes, sizes, maxLineBytes) => {
        const chunked = new LogText({maxLineBytes})
        let text = ''
        let at = 0
        for (const size of sizes) {
          text += chunked.push(bytes.subarray(at, at + size))
          at += size
        }
        text += chunked.push(bytes.subarray(at)) + chunked.end()
        expect(text).to.equal(show(bytes, maxLineBytes))
        expect(text).not.to.match(RAW_CONTROL)
      }),
      {numRuns: 3000},
    )
  })
})
