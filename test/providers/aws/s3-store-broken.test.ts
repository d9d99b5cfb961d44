import {expect} from 'chai'
import {once} from 'node:events'
import {createServer, type Server, type ServerResponse} from 'node:http'
import type {AddressInfo} from 'node:net'

import {createClients} from '../../../src/providers/aws/clients.js'
import {S3Store} from '../../../src/providers/aws/store/s3-store.js'
import {expectedFailure, rejection} from '../../support/rejection.js'

/** What S3 never is: an endpoint that answers half, nothing, or nonsense. */
describe('the store, where answers break', () => {
  let server: Server
  let answers: ((response: ServerResponse) => void)[]
  let requests: number
  let store: S3Store

  beforeEach(async () => {
    answers = []
    requests = 0
    server = createServer((request, response) => {
      requests += 1
      request.resume().on('end', () => (answers.length > 1 ? answers.shift() : answers[0])?.(response))
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    store = storeAt(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  })
  afterEach(() => {
    server.closeAllConnections()
    server.close()
  })

  const storeAt = (url: string) => {
    const env = {AWS_ENDPOINT_URL: url, AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'AKIAX', AWS_SECRET_ACCESS_KEY: 'x', AWS_MAX_ATTEMPTS: '1'}
    return new S3Store({clients: createClients({env, settings: {}}), scratch: null})
  }
  const half = (response: ServerResponse) => {
    response.writeHead(200, {'content-length': '10'})
    response.write('01234')
  }
  const broken = (response: ServerResponse) => {
    half(response)
    setImmediate(() => response.destroy())
  }

  it('reads again what broke off', async () => {
    answers = [broken, broken, (response) => response.end('0123456789')]
    expect(Buffer.from(await store.get('s3://bucket/k')).toString()).to.equal('0123456789')
    expect(requests).to.equal(3)
  })

  it('gives up where it always breaks off', async () => {
    answers = [broken]
    expect(await expectedFailure(store.get('s3://bucket/k'))).to.include({code: 'platform_failed'}).and.have.property('message').that.contains('could not be read whole')
    expect(requests).to.equal(3)
  })

  it('ends at once where the user aborts while bytes are awaited', async () => {
    const stop = new AbortController()
    const reason = new Error('Ctrl-C')
    answers = [
      (response) => {
        half(response)
        setTimeout(() => stop.abort(reason), 20)
      },
    ]
    expect(await rejection(store.get('s3://bucket/k', {signal: stop.signal}))).to.equal(reason)
    expect(requests).to.equal(1)
  })

  it('explains a proxy\'s page, and an endpoint where nobody listens', async () => {
    answers = [(response) => response.writeHead(502, {'content-type': 'text/html'}).end('<html><body>Bad Gateway</body></html>')]
    expect((await expectedFailure(store.put('s3://bucket/k', Buffer.from('x')))).code).to.equal('platform_failed')
    expect((await expectedFailure(store.get('s3://bucket/k'))).code).to.equal('platform_failed')
    answers = [(response) => response.writeHead(200, {'content-type': 'text/html'}).end('<html><body>Please log in<br></body></html>')]
    expect((await expectedFailure(store.list('s3://bucket/')[Symbol.asyncIterator]().next())).code).to.equal('platform_failed')
    server.close()
    server.closeAllConnections()
    expect((await expectedFailure(store.put('s3://bucket/k', Buffer.from('x')))).message).to.contain('ECONNREFUSED')
  })
})
