import {readFileSync} from 'node:fs'
import {expect} from 'chai'

import {readLogMark} from '../../src/model/log-steps.js'

interface Case {
  readonly line: string
  readonly step: number | null
  readonly epoch: number | null
}
const CASES = JSON.parse(readFileSync(new URL('../support/log-steps.json', import.meta.url), 'utf8')) as readonly Case[]

describe('a line of a log', () => {
  for (const {epoch, line, step} of CASES) {
    it(`${JSON.stringify(line)} is at step ${step} and epoch ${epoch}`, () => {
      expect(readLogMark(line) ?? {step: null, epoch: null}).to.deep.equal({step, epoch})
    })
  }

  it('is read in no time, however long it is', () => {
    const begin = performance.now()
    readLogMark('step '.repeat(20_000) + '['.repeat(20_000) + '1/'.repeat(20_000))
    expect(performance.now() - begin).to.be.below(1000)
  })
})
