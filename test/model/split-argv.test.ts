import {expect} from 'chai'
import fc from 'fast-check'

import {requestedFormat} from '../../src/model/output-format.js'
import {splitArgv} from '../../src/model/split-argv.js'

describe('splitArgv', () => {
  it('splits at the first --, and keeps every later one', () => {
    expect(splitArgv(['a', '--', 'b', '--', 'c'])).to.deep.equal({own: ['a'], rest: ['b', '--', 'c']})
    expect(splitArgv(['a'])).to.deep.equal({own: ['a'], rest: null})
    expect(splitArgv(['--'])).to.deep.equal({own: [], rest: []})
  })

  it('loses, adds and reorders nothing', () => {
    fc.assert(fc.property(fc.array(fc.oneof(fc.constant('--'), fc.string())), argv => {
      const {own, rest} = splitArgv(argv)
      expect([...own, ...(rest === null ? [] : ['--', ...rest])]).to.deep.equal(argv)
      expect(own).not.to.include('--')
    }))
  })
})

describe('requestedFormat', () => {
  it('reads --json and both forms of --output', () => {
    expect(requestedFormat(['x', '--json'])).to.equal('json')
    expect(requestedFormat(['--output', 'text'])).to.equal('text')
    expect(requestedFormat(['--output=json'])).to.equal('json')
  })

  it('knows nothing where nothing, nothing valid or no value was given', () => {
    for (const argv of [[], ['--output'], ['--output', 'yaml'], ['--output=yaml'], ['--output='], ['json']]) expect(requestedFormat(argv)).to.equal(null)
  })

  it('does not look behind --', () => {
    expect(requestedFormat(splitArgv(['train.py', '--', '--json', '--output', 'json']).own)).to.equal(null)
  })
})
