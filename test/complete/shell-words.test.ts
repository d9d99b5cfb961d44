import {execFileSync} from 'node:child_process'
import {expect} from 'chai'
import fc from 'fast-check'

import {isOffered, shownText} from '../../src/complete/safe-text.js'
import {quoteForBash, splitLine} from '../../src/complete/shell-words.js'

const BREAKS = ' \t\n"\'><=;|&(:'

describe('a line of bash', () => {
  it('is taken apart as bash does it', () => {
    expect(splitLine('runctl local  st', BREAKS)).to.deep.equal({words: ['runctl', 'local'], current: 'st', kept: 0, quote: null})
    expect(splitLine('runctl a\\ b "c d" \'e"\' ', BREAKS)).to.deep.equal({words: ['runctl', 'a b', 'c d', 'e"'], current: '', kept: 0, quote: null})
    expect(splitLine('runctl "" ', BREAKS).words).to.deep.equal(['runctl', ''])
  })

  it('knows what stands before the part that bash replaces', () => {
    expect(splitLine('runctl --type=g5', BREAKS)).to.deep.include({current: '--type=g5', kept: 7})
    expect(splitLine('runctl --type=g5', ' \t\n')).to.deep.include({current: '--type=g5', kept: 0})
    expect(splitLine('runctl s3://b/c', BREAKS)).to.deep.include({kept: 3})
    expect(splitLine('runctl s3\\:b', BREAKS)).to.deep.include({current: 's3:b', kept: 0})
  })

  it('knows the quote that is open', () => {
    expect(splitLine('runctl "a b', BREAKS)).to.deep.include({current: 'a b', kept: 0, quote: '"'})
    expect(splitLine("runctl 'a\\", BREAKS)).to.deep.include({current: 'a\\', quote: "'"})
  })

  it('gets back every word that is offered, whatever is in it', () => {
    const words = fc.sample(fc.string({unit: 'grapheme', minLength: 1}).filter(isOffered), {numRuns: 300, seed: 7})
    const script = words.map(word => `printf '%s\\0' ${quoteForBash(word, null) ?? ''}`).join('\n')
    expect(execFileSync('bash', ['-c', script], {encoding: 'utf8'}).split('\0').slice(0, -1)).to.deep.equal(words)
  })

  it('gets nothing into an open quote but what is plain', () => {
    expect(quoteForBash('i-0abc', '"')).to.equal('i-0abc')
    for (const value of ['$(id)', 'a"b', "a'b", '`id`', 'a b', '\\']) for (const quote of ['"', "'"] as const) expect(quoteForBash(value, quote)).to.equal(null)
  })
})

describe('a value', () => {
  it('with control characters, or without anything, is not offered', () => {
    for (const value of ['', 'a\nb', '\u001b[2J', 'a\u009b', '\u202eevil', 'a\u2028b', 'x'.repeat(401)]) expect(isOffered(value)).to.be.false
    for (const value of ['a b', '$(id)', 'größe', 'i-0abc']) expect(isOffered(value)).to.be.true
  })

  it('is described in one short line', () => {
    expect(shownText('a\n\u001b[2J\tb')).to.equal('a\ufffd\ufffd[2J\ufffdb')
    expect(shownText('x'.repeat(200))).to.have.lengthOf(80)
  })
})
