import {DescribeAvailabilityZonesCommand, DescribeInstancesCommand, DescribeInstanceTypesCommand} from '@aws-sdk/client-ec2'
import {GetInstanceProfileCommand, GetRolePolicyCommand, ListAttachedRolePoliciesCommand, NoSuchEntityException} from '@aws-sdk/client-iam'
import {GetServiceQuotaCommand, ServiceQuotasClient} from '@aws-sdk/client-service-quotas'
import {GetCallerIdentityCommand, STSClient} from '@aws-sdk/client-sts'
import {mockClient} from 'aws-sdk-client-mock'
import {expect} from 'chai'

import {instancePolicy} from '../../../src/providers/aws/setup/policies.js'
import {quotaFamilyOf} from '../../../src/providers/aws/checks/quota-codes.js'
import type {CheckResult, CheckTarget} from '../../../src/providers/provider.js'
import {awsError, awsMocks, inputs} from './aws-mocks.js'

describe('the checks of aws', () => {
  const aws = awsMocks()
  const sts = mockClient(STSClient)
  const quotas = mockClient(ServiceQuotasClient)

  beforeEach(() => {
    sts.reset().on(GetCallerIdentityCommand).resolves({Account: '123456789012', Arn: 'arn:aws:iam::123456789012:user/me'})
    quotas.reset().on(GetServiceQuotaCommand).resolves({Quota: {Value: 8}})
  })
  after(() => {
    sts.restore()
    quotas.restore()
  })

  const check = (name: string, target: CheckTarget = {}): Promise<CheckResult> => {
    const found = aws.provider().checks(target).find(one => one.name === name)
    if (!found) throw new Error(`there is no check ${name}`)
    return found.run({})
  }
  const running = (type: string, cores: number, over = {}) => ({InstanceType: type as 'g5.xlarge', CpuOptions: {CoreCount: cores, ThreadsPerCore: 2}, ...over})

  it('come in an order in which each finds what it needs', () => {
    const seen = new Set<string>()
    for (const {name, needs} of aws.provider().checks({})) {
      expect(needs.filter(need => !seen.has(need)), name).to.deep.equal([])
      seen.add(name)
    }
  })

  it('name who one is, and warn of the root user', async () => {
    expect(await check('identity')).to.deep.equal({status: 'ok', found: 'arn:aws:iam::123456789012:user/me in account 123456789012', fix: null})
    sts.on(GetCallerIdentityCommand).resolves({Account: '1', Arn: 'arn:aws:iam::1:root'})
    expect(await check('identity')).to.include({status: 'warning'})
  })

  it('prove the region by its zones', async () => {
    aws.ec2.on(DescribeAvailabilityZonesCommand).resolves({AvailabilityZones: [{}, {}]})
    expect(await check('region')).to.deep.equal({status: 'ok', found: 'eu-west-1, 2 zones', fix: null})
    // Those that the account may use, which is what a call without filters answers.
    expect(inputs(aws.ec2, DescribeAvailabilityZonesCommand)).to.deep.equal([{}])
  })

  it('tell whether the profile is there, holds a role, and lets commands in', async () => {
    aws.iam.on(GetInstanceProfileCommand).rejects(new NoSuchEntityException({message: 'no', $metadata: {}}))
    expect(await check('instance profile')).to.include({status: 'failed', fix: 'runctl aws setup'})
    aws.iam.on(GetInstanceProfileCommand).resolves({InstanceProfile: {Roles: [{RoleName: 'mine'}]} as never})
    aws.iam.on(ListAttachedRolePoliciesCommand).resolves({AttachedPolicies: []})
    expect(await check('instance profile')).to.include({status: 'warning'})
    aws.iam.on(ListAttachedRolePoliciesCommand).resolves({AttachedPolicies: [{PolicyArn: 'arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore'}]})
    expect(await check('instance profile')).to.include({status: 'ok'})
    // A note, where the role is of an older setup; nothing where that cannot be seen.
    const role = (policy: object) => aws.iam.on(GetRolePolicyCommand).resolves({RoleName: 'mine', PolicyName: 'runctl-s3', PolicyDocument: encodeURIComponent(JSON.stringify(policy))})
    expect((await check('instance profile')).found).to.equal('runctl-instance, with AmazonSSMManagedInstanceCore')
    role(instancePolicy({partition: 'aws', bucket: 'b', readBuckets: []}))
    expect((await check('instance profile')).found).to.equal('runctl-instance, with AmazonSSMManagedInstanceCore')
    role({Version: '2012-10-17', Statement: []})
    expect(await check('instance profile')).to.include({status: 'ok'}).and.to.have.property('found').that.contains('until `runctl aws setup` has run again')
    expect(inputs(aws.iam, GetInstanceProfileCommand)[0]).to.deep.equal({InstanceProfileName: 'runctl-instance'})
    expect(inputs(aws.iam, ListAttachedRolePoliciesCommand)[0]).to.deep.equal({RoleName: 'mine'})
  })

  it('say that no bucket is configured', async () => {
    expect(await check('bucket')).to.include({status: 'warning', fix: 'runctl aws setup'})
  })

  describe('quota', () => {
    beforeEach(() => {
      aws.ec2.on(DescribeInstanceTypesCommand).resolves({InstanceTypes: [{VCpuInfo: {DefaultVCpus: 4}}]})
      aws.ec2.on(DescribeInstancesCommand).resolves({Reservations: [{Instances: [running('g5.xlarge', 2), running('t3.large', 1), running('g4dn.xlarge', 2, {InstanceLifecycle: 'spot'})]}]})
    })

    it('counts what runs in the family on demand, and fits', async () => {
      expect(await check('quota', {instanceType: 'g5.xlarge'})).to.deep.equal({status: 'ok', found: 'g5.xlarge has 4 vCPUs; G and VT: 4 of 8 vCPUs in use', fix: null})
      expect(inputs(quotas, GetServiceQuotaCommand)[0]).to.deep.equal({ServiceCode: 'ec2', QuotaCode: 'L-DB2E81BA'})
      expect(inputs(aws.ec2, DescribeInstanceTypesCommand)[0]).to.deep.equal({InstanceTypes: ['g5.xlarge']})
      expect(inputs(aws.ec2, DescribeInstancesCommand)[0]).to.deep.include({Filters: [{Name: 'instance-state-name', Values: ['pending', 'running']}]})
    })

    it('gives the exact request for more where it does not', async () => {
      quotas.on(GetServiceQuotaCommand).resolves({Quota: {Value: 7}})
      expect(await check('quota', {instanceType: 'g5.xlarge'})).to.include({
        status: 'failed', fix: 'aws service-quotas request-service-quota-increase --service-code ec2 --quota-code L-DB2E81BA --desired-value 8',
      })
    })

    it('knows a type that does not exist, and families it has no code for', async () => {
      aws.ec2.on(DescribeInstanceTypesCommand).rejects(awsError('InvalidInstanceType'))
      expect(await check('quota', {instanceType: 'g5.huge'})).to.include({status: 'failed', found: 'there is no instance type g5.huge in eu-west-1'})
      expect(await check('quota', {instanceType: 'mac2.metal'})).to.include({status: 'skipped'})
    })

    it('finds the family by the letters before the generation', () => {
      const codes = Object.fromEntries(['t3.micro', 'm7g.large', 'c5.large', 'g4dn.xlarge', 'g5.xlarge', 'gr6.4xlarge', 'p4d.24xlarge', 'p5.48xlarge', 'inf2.xlarge', 'trn1.2xlarge', 'i4i.large', 'dl1.24xlarge']
        .map(type => [type, quotaFamilyOf(type)?.name.split(' ')[0] ?? null]))
      expect(codes).to.deep.equal({
        't3.micro': 'Standard', 'm7g.large': 'Standard', 'c5.large': 'Standard', 'g4dn.xlarge': 'G', 'g5.xlarge': 'G', 'gr6.4xlarge': 'G', 'p4d.24xlarge': 'P',
        'p5.48xlarge': 'P', 'inf2.xlarge': 'Inf', 'trn1.2xlarge': 'Trn', 'i4i.large': 'Standard', 'dl1.24xlarge': null,
      })
    })
  })
})
