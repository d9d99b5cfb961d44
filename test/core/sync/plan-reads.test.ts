import {expect} from 'chai'
import fc from 'fast-check'
import {deflateSync} from 'node:zlib'
import {randomBytes} from 'node:crypto'

import {planReads} from '../../../src/core/sync/plan-reads.js'

describe('planReads', () => {
  it('never asks for an answer or with a request that is too large, and always for something', () => {
    const file = fc.record({path: fc.string({unit: 'binary', minLength: 1, maxLength: 200}), size: fc.oneof(fc.nat(200), fc.nat(200_000)), offset: fc.constant(0)})
    fc.assert(
      fc.property(fc.array(file, {minLength: 1, maxLength: 60}), fc.integer({min: 4000, max: 60_000}), (pending, limit) => {
        const reads = planReads(pending, '/home/user/out', {maxInputBytes: limit, maxOutputBytes: limit})
        expect(Buffer.byteLength(JSON.stringify({base: '/home/user/out', reads})) + 1).to.be.at.most(limit)
        const total = reads.reduce((sum, read) => sum + read.length, 0)
        const answer = {reads: reads.map(read => ({path: read.path, length: read.length, size: 2 ** 40, sha256: 'f'.repeat(64)})), data: deflateSync(randomBytes(total), {level: 1}).toString('base64')}
        const ascii = JSON.stringify(answer).replace(/[^\x20-\x7e]/g, '\\u0000')
        expect(ascii.length + 1).to.be.at.most(limit)
        expect(reads.length).to.be.greaterThan(0)
      }),
    )
  })

  it('reads only the first file in parts, and asks for its digest at its end', () => {
    const limits = {maxInputBytes: 1 << 20, maxOutputBytes: 24_000}
    const pending = [{path: 'small', size: 10, offset: 0}, {path: 'big', size: 100_000, offset: 0}]
    expect(planReads(pending, '/b', limits).map(read => read.path)).to.deep.equal(['small'])
    expect(planReads(pending.slice(1), '/b', limits)[0]).to.include({path: 'big', offset: 0}).and.not.to.have.property('digest')
    expect(planReads([{path: 'big', size: 100_000, offset: 99_000}], '/b', limits)).to.deep.equal([{path: 'big', offset: 99_000, length: 1000, digest: true}])
  })
})
