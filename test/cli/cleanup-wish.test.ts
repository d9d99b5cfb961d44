import {expect} from 'chai'

import {cleanupWish} from '../../src/cli/cleanup-wish.js'
import {pullWish} from '../../src/cli/pull-wish.js'
import {isRunctlError} from '../../src/model/errors.js'

const refused = (work: () => unknown): readonly string[] => {
  try {
    work()
  } catch (error) {
    if (isRunctlError(error) && error.code === 'bad_input') return error.next
    throw error
  }
  throw new Error('it was not refused')
}

describe('what checkpoint cleanup is asked for', () => {
  const wish = (flags: Parameters<typeof cleanupWish>[0], source?: string) => cleanupWish(flags, source, 'runctl checkpoint cleanup')

  it('is of a folder, a prefix, an instance, a run or a project', () => {
    const keep = {'keep-last': 1}
    expect(wish(keep, './checkpoints').origin).to.deep.equal({kind: 'folder', dir: './checkpoints'})
    expect(wish(keep, 's3://bucket/out').origin).to.deep.equal({kind: 'store', uri: 's3://bucket/out'})
    expect(wish({...keep, 'instance-id': 'i-1'}).origin).to.deep.equal({kind: 'instance', instanceId: 'i-1', project: null})
    expect(wish({...keep, 'instance-id': 'i-1', project: 'net'}).origin).to.deep.equal({kind: 'instance', instanceId: 'i-1', project: 'net'})
    expect(wish({...keep, run: 'run-1'}).origin).to.deep.equal({kind: 'run', runId: 'run-1'})
    expect(wish({...keep, project: 'net', where: 's3'})).to.deep.include({origin: {kind: 'project', project: 'net'}, where: 's3'})
  })

  it('must keep something, be of one thing, and name a place only where there are several', () => {
    expect(refused(() => wish({}, './checkpoints')).join()).to.contain('--keep-last 3')
    expect(refused(() => wish({metric: 'loss'}, './checkpoints'))).to.have.length(1)
    expect(refused(() => wish({'keep-last': 1})).join()).to.contain('s3://BUCKET/PREFIX')
    for (const [flags, source] of [[{run: 'r', project: 'p'}], [{'instance-id': 'i'}, './here'], [{run: 'r'}, 's3://bucket/x']] as const) refused(() => wish({'keep-last': 1, ...flags}, source))
    for (const source of ['./here', 's3://bucket/x']) refused(() => wish({'keep-last': 1, from: 's3://bucket/y'}, source))
    expect(wish({'keep-last': 1, run: 'r', from: 's3://bucket/y'}).origin.kind).to.equal('run')
    for (const [flags, source] of [[{'instance-id': 'i'}], [{}, './here'], [{}, 's3://bucket/x']] as const) refused(() => wish({'keep-last': 1, where: 's3', ...flags}, source))
    expect(wish({'keep-last': 1, where: 'instance', 'instance-id': 'i'}).where).to.equal('instance')
  })
})

describe('what checkpoint pull is asked for', () => {
  const wish = (flags: Partial<Parameters<typeof pullWish>[0]>, checkpoint?: string, destination?: string) => pullWish({all: false, ...flags}, {checkpoint, destination}, 'runctl checkpoint pull')

  it('is the latest unless one is named; a URI names its own', () => {
    expect(wish({run: 'r'})).to.deep.equal({origin: {kind: 'run', runId: 'r'}, wanted: 'latest', destination: null})
    expect(wish({run: 'r'}, 'best.pt', 'here.pt')).to.deep.include({wanted: 'best.pt', destination: 'here.pt'})
    expect(wish({}, 's3://bucket/x', 'here')).to.deep.equal({origin: {kind: 'store', uri: 's3://bucket/x'}, wanted: 'latest', destination: 'here'})
  })

  it('with --all has no name, so what stands first is the destination', () => {
    expect(wish({run: 'r', all: true}, './here')).to.deep.include({wanted: 'all', destination: './here'})
    expect(wish({all: true}, 's3://bucket/x', './here')).to.deep.include({wanted: 'all', destination: './here'})
    refused(() => wish({run: 'r', all: true}, 'best.pt', './here'))
  })

  it('is not of this machine, and not of nothing', () => {
    expect(refused(() => wish({}, './checkpoints'))).to.have.length(3)
    expect(refused(() => wish({}))).to.have.length(3)
  })
})
