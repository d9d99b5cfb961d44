import {expect} from 'chai'

import {LogTimeline} from '../../../src/core/rehearse/log-timeline.js'

describe('the timeline of a log', () => {
  it('reads lines that come in pieces, and the redrawn lines of a bar', () => {
    const log = new LogTimeline()
    const bytes = Buffer.from('epoch 1\nfoo ü\n 10%|x| 1/10 [00:01<00:09]\r 20%|x| 2/10 [00:02<00:08]\rstep 3')
    for (const [at, byte] of bytes.entries()) log.push(Uint8Array.of(byte), at)
    expect(log.marks.map(({epoch, step}) => [epoch, step])).to.deep.equal([[1, null], [null, 1], [null, 2]])
    expect(log.marks[0]!.atMs).to.equal(bytes.indexOf('\n'))
    log.end(999)
    expect(log.marks.at(-1)).to.deep.equal({epoch: null, step: 3, atMs: 999})
  })

  it('does not keep a line without an end', () => {
    const log = new LogTimeline()
    for (let at = 0; at < 40; at++) log.push(Buffer.alloc(10_000, 'x'), at)
    log.push(Buffer.from('\nstep 4\n'), 50)
    expect(log.marks).to.deep.equal([{epoch: null, step: 4, atMs: 50}])
  })
})
