import {
  CreateTagsCommand, DeleteTagsCommand, DescribeInstancesCommand, DescribeTagsCommand, EC2Client, type Filter, paginateDescribeInstances, RunInstancesCommand,
} from '@aws-sdk/client-ec2'
import {expect} from 'chai'

import {clientSettings, errorOf, type TestBench, until, withBench} from './with-bench.js'

async function idsBy(bench: TestBench, ...filters: Filter[]): Promise<string[]> {
  const {Reservations} = await bench.ec2Client.send(new DescribeInstancesCommand({Filters: filters}))
  return (Reservations ?? []).flatMap(({Instances}) => Instances ?? []).map(({InstanceId}) => InstanceId ?? '')
}

describe('bench: DescribeInstances', () => {
  it('finds by state, type, token and tags, with wildcards', () =>
    withBench({}, async (bench) => {
      const one = await bench.addInstance({tags: {team: 'vision', 'runctl:created-by': 'runctl'}})
      const two = await bench.addInstance({type: 'g5.xlarge', state: 'stopped', tags: {team: 'language'}})
      const spot = await bench.addInstance({spot: 'persistent', profile: null})
      expect(await idsBy(bench, {Name: 'instance-state-name', Values: ['running']})).to.have.members([one, spot])
      expect(await idsBy(bench, {Name: 'instance-type', Values: ['g5.*']})).to.deep.equal([two])
      const [starred] = [await bench.addInstance({tags: {Name: 'a*b?'}}), await bench.addInstance({tags: {Name: 'axbx'}})]
      expect(await idsBy(bench, {Name: 'tag:Name', Values: [String.raw`a\*b\?`]})).to.deep.equal([starred])
      expect(await idsBy(bench, {Name: 'tag:team', Values: ['vision', 'lang?age']})).to.have.members([one, two])
      expect(await idsBy(bench, {Name: 'tag:team', Values: ['Vision']})).to.deep.equal([])
      expect(await idsBy(bench, {Name: 'tag-key', Values: ['runctl:*']}, {Name: 'instance-state-name', Values: ['running']})).to.deep.equal([one])
      expect(await idsBy(bench, {Name: 'instance-lifecycle', Values: ['spot']})).to.deep.equal([spot])
      await bench.ec2Client.send(new RunInstancesCommand({ImageId: 'ami-0a1f2e3d4c5b60001', InstanceType: 't3.micro', MinCount: 1, MaxCount: 1, ClientToken: 'mine'}))
      expect(await idsBy(bench, {Name: 'client-token', Values: ['mine']})).to.have.length(1)
      expect((await errorOf(idsBy(bench, {Name: 'colour', Values: ['red']})))?.message).to.equal("The filter 'colour' is invalid")
    }))

  it('gives pages, and every instance once', () =>
    withBench({}, async (bench) => {
      bench.world.quotas.set('L-1216C47A', 1000)
      const made = await Promise.all(Array.from({length: 23}, () => bench.addInstance()))
      const sizes: number[] = []
      const found: string[] = []
      for await (const {Reservations = []} of paginateDescribeInstances({client: bench.ec2Client, pageSize: 10}, {})) {
        const ids = Reservations.flatMap(({Instances}) => Instances ?? []).map(({InstanceId}) => InstanceId ?? '')
        sizes.push(ids.length)
        found.push(...ids)
      }
      expect(sizes).to.deep.equal([10, 10, 3])
      expect(found).to.have.members(made)
      const odd = (input: object) => errorOf(bench.ec2Client.send(new DescribeInstancesCommand(input)))
      expect((await odd({MaxResults: 4}))?.name).to.equal('InvalidParameterValue')
      expect((await odd({MaxResults: 10, InstanceIds: made}))?.name).to.equal('InvalidParameterCombination')
      expect((await odd({NextToken: 'abc'}))?.name).to.equal('InvalidParameterValue')
    }))

  it('names the ids that it does not know, and those that are none', () =>
    withBench({}, async (bench) => {
      const id = await bench.addInstance()
      const ask = (...InstanceIds: string[]) => errorOf(bench.ec2Client.send(new DescribeInstancesCommand({InstanceIds})))
      expect(await ask(id)).to.equal(undefined)
      expect(await ask(id, 'i-0aaaaaaaaaaaaaaaa')).to.deep.include({name: 'InvalidInstanceID.NotFound', message: "The instance ID 'i-0aaaaaaaaaaaaaaaa' does not exist"})
      expect((await ask('i-0aaaaaaaaaaaaaaaa', 'i-0bbbbbbbbbbbbbbbb'))?.message).to.equal("The instance IDs 'i-0aaaaaaaaaaaaaaaa, i-0bbbbbbbbbbbbbbbb' do not exist")
      expect((await ask('i-XYZ'))?.name).to.equal('InvalidInstanceID.Malformed')
    }))

  it('knows instances of their own region only', () =>
    withBench({}, async (bench) => {
      const id = await bench.addInstance()
      const abroad = new EC2Client({...clientSettings(bench), region: 'eu-west-1'})
      expect((await errorOf(abroad.send(new DescribeInstancesCommand({InstanceIds: [id]}))))?.name).to.equal('InvalidInstanceID.NotFound')
      expect((await abroad.send(new DescribeInstancesCommand({}))).Reservations ?? []).to.deep.equal([])
      abroad.destroy()
    }))

  it('hears of a new instance and of new tags only after the lag', () =>
    withBench({times: {lagMs: 800}}, async (bench) => {
      const {Instances} = await bench.ec2Client.send(new RunInstancesCommand({ImageId: 'ami-0a1f2e3d4c5b60001', InstanceType: 't3.micro', MinCount: 1, MaxCount: 1}))
      const id = Instances?.[0]?.InstanceId ?? ''
      const ask = () => errorOf(bench.ec2Client.send(new DescribeInstancesCommand({InstanceIds: [id]})))
      const tag = () => errorOf(bench.ec2Client.send(new CreateTagsCommand({Resources: [id], Tags: [{Key: 'a', Value: '1'}]})))
      expect((await ask())?.name).to.equal('InvalidInstanceID.NotFound')
      expect((await tag())?.name).to.equal('InvalidInstanceID.NotFound')
      await until(async () => (await ask()) === undefined)
      expect(await tag()).to.equal(undefined)
      expect(await idsBy(bench, {Name: 'tag:a', Values: ['1']})).to.deep.equal([])
      await until(async () => (await idsBy(bench, {Name: 'tag:a', Values: ['1']})).length === 1)
    }))
})

describe('bench: tags', () => {
  it('are put on several resources, told, replaced and taken away', () =>
    withBench({}, async (bench) => {
      const ids = [await bench.addInstance(), await bench.addInstance()]
      const [volume = ''] = [...bench.ec2.state.volumes.keys()]
      await bench.ec2Client.send(new CreateTagsCommand({Resources: [...ids, volume], Tags: [{Key: 'a', Value: '1'}, {Key: 'b', Value: '2'}]}))
      await bench.ec2Client.send(new CreateTagsCommand({Resources: ids, Tags: [{Key: 'a', Value: 'ü'}]}))
      await bench.ec2Client.send(new DeleteTagsCommand({Resources: ids, Tags: [{Key: 'b', Value: 'other'}, {Key: 'a', Value: 'ü'}]}))
      const {Tags} = await bench.ec2Client.send(new DescribeTagsCommand({Filters: [{Name: 'resource-id', Values: [ids[0] ?? '', volume]}]}))
      expect(Tags?.map(({ResourceType, Key, Value}) => [ResourceType, Key, Value])).to.have.deep.members([['instance', 'b', '2'], ['volume', 'a', '1'], ['volume', 'b', '2']])
    }))

  it('have limits, and then none is put anywhere', () =>
    withBench({}, async (bench) => {
      const id = await bench.addInstance({tags: {first: 'x'}})
      const put = (...tags: [string, string][]) => errorOf(bench.ec2Client.send(new CreateTagsCommand({Resources: [id], Tags: tags.map(([Key, Value]) => ({Key, Value}))})))
      expect((await put(['k'.repeat(129), 'v']))?.name).to.equal('InvalidParameterValue')
      expect((await put(['k', 'v'.repeat(257)]))?.name).to.equal('InvalidParameterValue')
      expect((await put(['aws:k', 'v']))?.name).to.equal('InvalidParameterValue')
      const fifty = Array.from({length: 50}, (_, index): [string, string] => [`k${index}`, ''])
      expect((await put(...fifty))?.name).to.equal('TagLimitExceeded')
      expect(bench.instance(id).tags.size).to.equal(1)
      expect(await put(...fifty.slice(1))).to.equal(undefined)
    }))
})
