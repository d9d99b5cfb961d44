import {expect} from 'chai'

import {Bench} from '../support/bench.js'

describe('a refresh of completion on AWS', () => {
  let bench: Bench
  before(async () => void (bench = await Bench.create({}, {platform: 'aws'})))
  after(() => bench.destroy())

  it('asks for the instances, once a day for the regions, and for nothing that is billed', async () => {
    await bench.ok(['aws', 'create', '--type', 'g5.xlarge'])
    bench.aws.calls.reset()
    expect(await bench.json(['__refresh', 'aws'])).to.deep.equal([{platform: 'aws', refreshed: true, why: null}])
    expect(bench.aws.calls.byOperation()).to.deep.equal({DescribeInstances: 1, DescribeRegions: 1})
    bench.aws.calls.reset()
    await bench.ok(['__refresh', 'aws'])
    expect(bench.aws.calls.byOperation()).to.deep.equal({DescribeInstances: 1})
    const {stdout} = await bench.ok(['__complete', 'fish', 'aws', 'create', '--type', 'g5.x'])
    expect(stdout).to.match(/^g5\.xlarge\t1 A10G/m)
    expect((await bench.ok(['__complete', 'fish', 'config', 'set', 'aws.region', 'eu-']))?.stdout).to.contain('eu-central-1')
    expect((await bench.ok(['__complete', 'fish', 'aws', 'stop', ''])).stdout).to.match(/^i-[0-9a-f]{17}\t.*g5\.xlarge/m)
  })
})
