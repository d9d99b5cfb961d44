import {expect} from 'chai'

import {Batcher, forEachHalving} from '../../../src/providers/aws/batcher.js'
import {rejection} from '../../support/rejection.js'

describe('calls that travel together', () => {
  it('are those of one turn of the event loop, in pieces that AWS takes', async () => {
    const carried: (readonly number[])[] = []
    const batcher = new Batcher<number, number>(2, async items => {
      carried.push(items)
      return items.map(item => ({value: item * 10}))
    })
    expect(await Promise.all([1, 2, 3].map(async item => {
      await Promise.resolve()
      return batcher.add(item)
    }))).to.deep.equal([10, 20, 30])
    expect(await batcher.add(4)).to.equal(40)
    expect(carried).to.deep.equal([[1, 2], [3], [4]])
  })

  it('come out one by one', async () => {
    const wrong = new Error('odd')
    const batcher = new Batcher<number, number>(9, async items => items.map(item => (item % 2 === 1 ? {error: wrong} : {value: item})))
    const [one, two] = await Promise.allSettled([batcher.add(1), batcher.add(2)])
    expect(one).to.deep.equal({status: 'rejected', reason: wrong})
    expect(two).to.deep.equal({status: 'fulfilled', value: 2})
  })

  it('are cancelled only when everyone has cancelled', async () => {
    const [first, second] = [new AbortController(), new AbortController()]
    let seen: AbortSignal | undefined
    const batcher = new Batcher<number, number>(9, (_, signal) => {
      seen = signal
      return new Promise(() => undefined)
    })
    const [a, b] = [batcher.add(1, first.signal), batcher.add(2, second.signal)]
    await new Promise(resolve => setImmediate(resolve))
    first.abort(new Error('first'))
    expect(await rejection(a)).to.equal(first.signal.reason)
    expect(seen?.aborted).to.equal(false)
    second.abort(new Error('second'))
    expect(await rejection(b)).to.equal(second.signal.reason)
    expect(seen?.aborted).to.equal(true)
  })

  it('are taken apart for the one that spoils them, in few calls', async () => {
    const ids = Array.from({length: 64}, (_, at) => `i-${at}`)
    let calls = 0
    const outcomes = await forEachHalving(ids, async some => {
      calls++
      if (some.includes('i-7')) throw new Error('bad id')
      return new Map(some.map(id => [id, 'ok']))
    }, () => true)
    expect(outcomes.size).to.equal(64)
    expect([...outcomes].filter(([, outcome]) => 'error' in outcome).map(([id]) => id)).to.deep.equal(['i-7'])
    expect(calls).to.equal(13)
  })
})
