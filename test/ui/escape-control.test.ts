import {expect} from 'chai'
import fc from 'fast-check'

import {escapeControl, escapeLine} from '../../src/ui/escape-control.js'
import {RAW_CONTROL} from './samples.js'

describe('escapeControl', () => {
  it('makes visible what a terminal would act on', () => {
    expect(escapeControl('\x1b[31m\0\x07\r\x7f\x9b')).to.equal('\\x1b[31m\\x00\\x07\\x0d\\x7f\\x9b')
  })

  it('makes bidirectional overrides, line separators and invisible characters visible', () => {
    expect(escapeControl('\u202e\u2066\u2028\u200b\ufeff\u{e0041}')).to.equal('\\u202e\\u2066\\u2028\\u200b\\ufeff\\u{e0041}')
  })

  it('makes lone surrogates visible and leaves pairs alone', () => {
    expect(escapeControl('\ud83d \ude80 🚀')).to.equal('\\ud83d \\ude80 🚀')
  })

  it('leaves text, line feeds, tabs and joined emoji as they are', () => {
    const text = 'größe\t訓練\nعربى 👩‍👩‍👧 é'
    expect(escapeControl(text)).to.equal(text)
  })

  it('leaves nothing that acts on a terminal in any text', () => {
    fc.assert(fc.property(fc.string({unit: 'binary'}), text => void expect(escapeControl(text)).not.to.match(RAW_CONTROL)))
  })
})

describe('escapeLine', () => {
  it('gives one line without tabs', () => {
    expect(escapeLine('a\nb\tc\x1b')).to.equal('a\\nb\\tc\\x1b')
  })
})
