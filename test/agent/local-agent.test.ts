import {expect} from 'chai'

import {callLocalAgent} from '../../src/agent/local-agent.js'
import {expectedFailure} from '../support/rejection.js'

describe('callLocalAgent', () => {
  it('says that python3 is needed where there is none, and does not crash on the pipe to it', async () => {
    const {PATH} = process.env
    process.env['PATH'] = '/nonexistent'
    try {
      // More than a pipe holds: the write is still going on when the start has failed.
      const error = await expectedFailure(callLocalAgent('checkpoints', {dir: '/x'.repeat(200_000)}, new AbortController().signal))
      expect(error.code).to.equal('platform_failed')
      expect(error.message).to.include('python3')
      await new Promise(resolve => setImmediate(resolve))
    } finally {
      process.env['PATH'] = PATH
    }
  })
})
