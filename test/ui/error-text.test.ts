import {expect} from 'chai'

import {RunctlError} from '../../src/model/errors.js'
import {renderError} from '../../src/ui/error-text.js'
import {COLOR, HOSTILE, RAW_CONTROL, TABLE} from './samples.js'

describe('renderError', () => {
  it('says what happened, what still runs and what to do, breaking sentences but never a command', () => {
    const command = `runctl aws stop i-0123456789abcdef0 --grace 10m ${'--flag value '.repeat(6)}--force`
    const message = 'no checkpoint was saved within 60 s, so nothing was stopped: the script does not react to being asked'
    const error = new RunctlError('save_failed', message, {
      stillRunning: ['instance i-0123456789abcdef0 ($1.006/h)', 'local-1 ($0.00/h)'],
      next: [command, 'runctl status'],
    })
    expect(renderError(error, TABLE).split('\n')).to.deep.equal([
      'Error: no checkpoint was saved within 60 s, so nothing was stopped: the script',
      '       does not react to being asked',
      'Still running: instance i-0123456789abcdef0 ($1.006/h)',
      'Still running: local-1 ($0.00/h)',
      `Next: ${command}`,
      '      runctl status',
    ])
  })

  it('knows the error of another copy of the package', () => {
    const brand = Symbol.for('runctl.RunctlError')
    const foreign = Object.assign(new Error('refused'), {[brand]: true, stillRunning: [], next: [], code: 'step_failed'})
    expect(renderError(foreign, TABLE)).to.equal('Error: refused')
  })

  it('calls anything else a bug and shows its stack with the causes', () => {
    const text = renderError(new TypeError('x is not a function', {cause: new Error('inner')}), TABLE)
    expect(text).to.match(/^Error: x is not a function\nThis is a bug in runctl\.\nTypeError: [^]+error-text\.test/)
    expect(text).to.contain('[cause]: Error: inner')
    expect(renderError('text', TABLE)).to.contain("something that is no error was thrown: 'text'").and.contain('bug')
    expect(renderError(new AggregateError([new Error('ECONNREFUSED 1'), new Error('2')]), TABLE)).to.match(/^Error: ECONNREFUSED 1; 2\n/)
  })

  it('escapes what comes from elsewhere', () => {
    const error = new RunctlError('not_found', HOSTILE, {stillRunning: [HOSTILE], next: [HOSTILE]})
    expect(renderError(error, TABLE)).not.to.match(RAW_CONTROL)
    expect(renderError(new Error(HOSTILE), TABLE)).not.to.match(RAW_CONTROL)
    expect(renderError(error, COLOR)).to.contain('\x1b[31mError:\x1b[39m')
  })
})
