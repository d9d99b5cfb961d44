import {expect} from 'chai'

import {EXIT_CODES, isRunctlError, RunctlError, withContext, type ErrorCode} from '../../src/model/errors.js'

describe('RunctlError', () => {
  it('gives every code an exit status of its own that is neither success, bug nor a signal', () => {
    const statuses = Object.values(EXIT_CODES)
    expect(new Set(statuses).size).to.equal(statuses.length)
    for (const status of statuses) expect(status).to.be.within(2, 125)
    expect(new RunctlError('save_failed', 'x').exitCode).to.equal(9)
  })

  it('never ends as success, even with a code of a later version', () => {
    for (const code of ['no_such_code', 'toString', '__proto__']) expect(new RunctlError(code as ErrorCode, 'x').exitCode).to.equal(1)
  })

  it('is recognised from another copy of the package, and nothing else is', () => {
    const foreign = Object.assign(new Error('x'), {[Symbol.for('runctl.RunctlError')]: true})
    expect(isRunctlError(foreign)).to.equal(true)
    for (const other of [new Error('x'), null, undefined, 'x', {}]) expect(isRunctlError(other)).to.equal(false)
  })

  it('keeps what it knew when a caller adds to it', () => {
    const cause = new Error('why')
    const error = withContext(new RunctlError('unreachable', 'x', {next: ['a'], details: {a: 1}, cause}), {next: ['b'], stillRunning: ['it runs'], details: {b: 2}})
    expect(error).to.include({code: 'unreachable', message: 'x', cause})
    expect(error).to.deep.include({next: ['a', 'b'], stillRunning: ['it runs'], details: {a: 1, b: 2}})
  })

  it('leaves a bug as it is', () => {
    const bug = new TypeError('x')
    expect(withContext(bug, {next: ['a']})).to.equal(bug)
  })
})
