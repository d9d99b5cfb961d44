import {expect} from 'chai'

import {Detached} from '../../src/cli/detached.js'
import {errorJson} from '../../src/cli/error-json.js'
import {RunctlError} from '../../src/model/errors.js'

describe('errorJson', () => {
  it('tells an expected failure with what still runs and what to do', () => {
    const error = new RunctlError('save_failed', 'nothing saved', {stillRunning: ['mem-1 runs'], next: ['runctl x'], details: {run_id: 'r'}})
    expect(errorJson(error, 9)).to.deep.equal({
      error: {code: 'save_failed', message: 'nothing saved', exit_code: 9, still_running: ['mem-1 runs'], next: ['runctl x'], details: {run_id: 'r'}},
    })
  })

  it('tells a detach, and that the run goes on', () => {
    const {error} = errorJson(new Detached(['run-1 goes on'], ['runctl monitor']), 130)
    expect(error).to.deep.include({code: 'detached', exit_code: 130, still_running: ['run-1 goes on'], next: ['runctl monitor']})
    expect(error.message).to.include('goes on')
  })

  it('tells a bug with its stack, and what the command has left running', () => {
    const {error} = errorJson(new TypeError('oops'), 1, {stillRunning: ['mem-1 runs'], next: ['runctl mem stop mem-1']})
    expect(error).to.deep.include({code: 'bug', exit_code: 1, still_running: ['mem-1 runs'], next: ['runctl mem stop mem-1']})
    expect(error.message).to.match(/^TypeError: oops\n\s+at /)
    expect(errorJson('just text', 1).error).to.include({code: 'bug', message: 'just text'})
  })
})
