import {expect} from 'chai'
import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import path from 'node:path'

import {deliver} from '../src/deliver.js'
import {post, type Attempt} from '../src/post.js'
import {Spool, type Waiting} from '../src/spool.js'
import {Webhook} from './webhook.js'

const MINUTE = 60_000

describe('the sender of runctl-plugin-notify', () => {
  let folder: string
  let spool: Spool
  let webhook: Webhook
  let now: number

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'notify-'))
    spool = new Spool(folder, 5)
    webhook = await Webhook.open()
    now = Date.parse('2026-11-23T12:00:00Z')
  })
  afterEach(async () => {
    await webhook.close()
    await rm(folder, {recursive: true})
  })

  const lay = async (id: string, url = webhook.url): Promise<void> => {
    const at = new Date((now += 1)).toISOString()
    await spool.add({version: 1, id, event: 'posttrain', at, giveUpAt: now + 10 * MINUTE, url, body: `{"id":"${id}"}`} satisfies Waiting)
  }
  const slept: number[] = []
  const send = async (poster = (url: string, body: string, id: string): Promise<Attempt> => post(url, body, id, () => now, 200)): Promise<void> => {
    slept.length = 0
    await deliver({spool, post: poster, now: () => now, random: () => 0, isOurs: async () => true, async sleep(ms) {
      slept.push(ms)
      now += ms
    }})
  }
  const bodies = (): readonly string[] => webhook.received.map(({body}) => (JSON.parse(body) as {readonly id: string}).id)

  it('sends each message once, in order, with its id as a key', async () => {
    for (const id of ['b', 'a', 'c']) await lay(id)
    await send()
    expect(bodies()).to.deep.equal(['b', 'a', 'c'])
    expect(webhook.received.map(({headers}) => headers['idempotency-key'])).to.deep.equal(['b', 'a', 'c'])
    await send()
    expect(webhook.received).to.have.length(3)
    expect(await spool.undelivered()).to.deep.equal([])
  })

  it('tries again after 500, longer each time, before any later message', async () => {
    webhook.answer = count => ({status: count <= 3 ? 500 : 200})
    await lay('a')
    await lay('b')
    const begun = now
    await send()
    expect(bodies()).to.deep.equal(['a', 'a', 'a', 'a', 'b'])
    expect(now - begun).to.equal(500 + 1000 + 2000)
  })

  it('waits as long as 429 asks for', async () => {
    webhook.answer = count => (count === 1 ? {status: 429, headers: {'retry-after': '90'}} : {status: 204})
    await lay('a')
    const begun = now
    await send()
    expect([webhook.received.length, now - begun]).to.deep.equal([2, 90_000])
  })

  it('gives up at once on another 4xx and on a redirect, and goes on with the next message', async () => {
    webhook.answer = count => (count === 1 ? {status: 404} : count === 2 ? {status: 302, headers: {location: webhook.url}} : {status: 200})
    for (const id of ['a', 'b', 'c']) await lay(id)
    await send()
    expect(bodies()).to.deep.equal(['a', 'b', 'c'])
    expect((await spool.undelivered()).map(({id, why}) => `${id} ${why}`)).to.deep.equal(['a HTTP 404', 'b HTTP 302'])
  })

  it('gives up on a server that hangs when its time is over, and says why without the address', async () => {
    webhook.answer = () => 'hang'
    await lay('a')
    const begun = now
    let attempts = 0
    await send(async (url, body, id) => {
      attempts += 1
      return attempts === 1 ? post(url, body, id, () => now, 200) : {outcome: 'retry', status: null, why: 'no answer in time', retryAfterMs: null}
    })
    expect(attempts).to.be.greaterThan(10)
    expect(now - begun).to.be.within(8 * MINUTE, 10 * MINUTE)
    const [failed] = await spool.undelivered()
    expect(failed?.why).to.equal('no answer in time')
    expect(JSON.stringify(failed)).to.not.contain('s3cr3t')
  })

  it('tries a message once whose time passed while nobody sent', async () => {
    await lay('a')
    now += 60 * MINUTE
    await send()
    expect(bodies()).to.deep.equal(['a'])
  })

  it('is held up at one address alone', async () => {
    const gone = await Webhook.open()
    await lay('a', gone.url)
    await gone.close()
    await lay('b')
    await send()
    expect(bodies()).to.deep.equal(['b'])
    expect((await spool.undelivered()).map(({id, why}) => `${id} ${why}`)).to.deep.equal(['a connection refused'])
  })

  it('drops the oldest of too many, which is told', async () => {
    for (const id of ['a', 'b', 'c', 'd', 'e', 'f', 'g']) await lay(id)
    await send()
    expect(bodies()).to.deep.equal(['c', 'd', 'e', 'f', 'g'])
    expect((await spool.takeUntold()).map(({id}) => id)).to.have.members(['a', 'b'])
    expect(await spool.takeUntold()).to.deep.equal([])
  })
})
