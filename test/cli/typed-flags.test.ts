import {expect} from 'chai'

import {typedFlags} from '../../src/cli/typed-flags.js'
import type {TrainFlagValues} from '../../src/cli/train-flags.js'

const typed = (flags: Partial<TrainFlagValues>): string => typedFlags(flags as TrainFlagValues).join(' ')

describe('typedFlags', () => {
  it('gives what was typed as words that can be pasted', () => {
    expect(typed({'sync-code': true, 'project-name': 'p', 'include-pattern': ['*.csv', 'a b'], 'data-s3': 's3://b/train/', concurrent: true})).to.equal(
      "--sync-code --project-name p --include-pattern '*.csv' --include-pattern 'a b' --data-s3 s3://b/train/ --concurrent")
    expect(typed({'sync-code': false, concurrent: false})).to.equal('--no-sync-code')
    expect(typed({})).to.equal('')
  })

  it('keeps the values of environment variables out', () => {
    expect(typed({env: ['TOKEN=s3cr3t', 'A=b=c']})).to.equal('--env TOKEN=… --env A=…')
  })
})
