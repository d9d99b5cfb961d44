import {
  AddRoleToInstanceProfileCommand, AttachRolePolicyCommand, CreateInstanceProfileCommand, CreateRoleCommand, GetInstanceProfileCommand,
  GetRoleCommand, GetRolePolicyCommand, IAMClient, ListAttachedRolePoliciesCommand, NoSuchEntityException, PutRolePolicyCommand,
} from '@aws-sdk/client-iam'
import {AssociateIamInstanceProfileCommand, DescribeIamInstanceProfileAssociationsCommand, EC2Client} from '@aws-sdk/client-ec2'
import {
  CreateBucketCommand, GetBucketEncryptionCommand, GetBucketLifecycleConfigurationCommand, GetPublicAccessBlockCommand, HeadBucketCommand,
  PutBucketEncryptionCommand, PutBucketLifecycleConfigurationCommand, PutPublicAccessBlockCommand, S3Client,
} from '@aws-sdk/client-s3'
import {GetCallerIdentityCommand, STSClient} from '@aws-sdk/client-sts'
import {mockClient} from 'aws-sdk-client-mock'
import {expect} from 'chai'

import type {AwsClients} from '../../../src/providers/aws/clients.js'
import {AwsSetup} from '../../../src/providers/aws/setup/aws-setup.js'
import {instancePolicy, trustPolicy, userPolicy, type PolicyDocument} from '../../../src/providers/aws/setup/policies.js'
import {allows} from '../../bench/policies.js'
import {HandClock} from '../../support/hand-clock.js'
import {expectedFailure} from '../../support/rejection.js'
import {awsError} from './aws-mocks.js'

const ACCOUNT = '123456789012'
const BUCKET = `runctl-${ACCOUNT}-eu-west-1`
const gone = (name: string): Error => Object.assign(new Error(name), {name})

describe('aws setup', () => {
  const iam = mockClient(IAMClient)
  const s3 = mockClient(S3Client)
  const ec2 = mockClient(EC2Client)
  const sts = mockClient(STSClient)
  const config = {region: 'eu-west-1', credentials: {accessKeyId: 'a', secretAccessKey: 'b'}}
  const clients = {
    iam: () => Promise.resolve(new IAMClient(config)),
    s3: () => Promise.resolve(new S3Client(config)),
    ec2: () => Promise.resolve(new EC2Client(config)),
    sts: () => Promise.resolve(new STSClient(config)),
    region: () => Promise.resolve('eu-west-1'),
    endpoint: null,
  } as unknown as AwsClients
  const setup = (bucket: string | null = null): AwsSetup => new AwsSetup({clients, clock: new HandClock(), profileName: 'runctl-instance', bucket})
  const changes = (): readonly string[] => [iam, s3, ec2].flatMap(mock => mock.calls().map(call => (call.args[0] as {constructor: {name: string}}).constructor.name))
    .filter(name => !/^(Get|List|Head|Describe)/.test(name)).toSorted()

  after(() => {
    for (const mock of [iam, s3, ec2, sts]) mock.restore()
  })
  beforeEach(() => {
    for (const mock of [iam, s3, ec2, sts]) mock.reset()
    sts.on(GetCallerIdentityCommand).resolves({Account: ACCOUNT, Arn: `arn:aws:iam::${ACCOUNT}:user/me`})
  })

  const nothingThere = (): void => {
    const absent = new NoSuchEntityException({message: 'no', $metadata: {}})
    iam.on(GetRoleCommand).rejects(absent).on(GetInstanceProfileCommand).rejects(absent).on(GetRolePolicyCommand).rejects(absent)
    iam.on(ListAttachedRolePoliciesCommand).resolves({AttachedPolicies: []})
    for (const command of [AddRoleToInstanceProfileCommand, AttachRolePolicyCommand, CreateInstanceProfileCommand, CreateRoleCommand, PutRolePolicyCommand] as const) {
      iam.on(command as typeof CreateRoleCommand).resolves({Role: undefined})
    }
    s3.on(HeadBucketCommand).rejects(gone('NotFound')).on(GetPublicAccessBlockCommand).rejects(gone('NoSuchPublicAccessBlockConfiguration'))
    s3.on(GetBucketEncryptionCommand).rejects(gone('ServerSideEncryptionConfigurationNotFoundError')).on(GetBucketLifecycleConfigurationCommand).rejects(gone('NoSuchLifecycleConfiguration'))
    s3.on(CreateBucketCommand).resolves({}).on(PutPublicAccessBlockCommand).resolves({}).on(PutBucketEncryptionCommand).resolves({}).on(PutBucketLifecycleConfigurationCommand).resolves({})
  }

  it('makes role, policies, profile and bucket where nothing is there', async () => {
    nothingThere()
    const report = await setup().run({dryRun: false})
    expect(report.steps.map(({state, what}) => `${state}: ${what}`)).to.deep.equal([
      'created: role runctl-instance',
      'created: policy AmazonSSMManagedInstanceCore',
      'created: policy runctl-s3',
      'created: instance profile runctl-instance',
      `created: bucket ${BUCKET}`,
      `changed: bucket ${BUCKET} is private`,
      `changed: bucket ${BUCKET} is encrypted`,
      `changed: bucket ${BUCKET} lifecycle`,
    ])
    expect(report.settings).to.deep.equal({bucket: BUCKET})
    expect(iam.commandCalls(CreateRoleCommand)[0]?.args[0].input).to.deep.include({RoleName: 'runctl-instance', Tags: [{Key: 'runctl:created-by', Value: 'setup'}]})
    expect(JSON.parse(iam.commandCalls(CreateRoleCommand)[0]?.args[0].input.AssumeRolePolicyDocument ?? '')).to.have.nested.property('Statement[0].Principal.Service', 'ec2.amazonaws.com')
    expect(iam.commandCalls(AttachRolePolicyCommand)[0]?.args[0].input.PolicyArn).to.equal('arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore')
    expect(s3.commandCalls(CreateBucketCommand)[0]?.args[0].input).to.deep.equal({Bucket: BUCKET, CreateBucketConfiguration: {LocationConstraint: 'eu-west-1'}})
    expect(s3.commandCalls(PutPublicAccessBlockCommand)[0]?.args[0].input.PublicAccessBlockConfiguration).to.deep.equal(
      {BlockPublicAcls: true, IgnorePublicAcls: true, BlockPublicPolicy: true, RestrictPublicBuckets: true})
    expect(s3.commandCalls(PutBucketLifecycleConfigurationCommand)[0]?.args[0].input.LifecycleConfiguration?.Rules?.map(({ID}) => ID)).to.deep.equal(['runctl-abandoned-uploads', 'runctl-tmp'])
  })

  it('changes nothing in a dry run', async () => {
    nothingThere()
    const report = await setup().run({dryRun: true})
    expect(report.steps.every(({state}) => state === 'planned')).to.equal(true)
    expect(changes()).to.deep.equal([])
  })

  it('changes nothing where all is right', async () => {
    const policy = instancePolicy({partition: 'aws', bucket: 'mine', readBuckets: []})
    iam.on(GetRoleCommand).resolves({}).on(GetRolePolicyCommand).resolves({RoleName: 'r', PolicyName: 'p', PolicyDocument: encodeURIComponent(JSON.stringify(policy))})
    iam.on(ListAttachedRolePoliciesCommand).resolves({AttachedPolicies: [{PolicyArn: 'arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore'}]})
    iam.on(GetInstanceProfileCommand).resolves({InstanceProfile: {Roles: [{RoleName: 'runctl-instance'}]} as never})
    s3.on(HeadBucketCommand).resolves({}).on(GetPublicAccessBlockCommand).resolves({PublicAccessBlockConfiguration: {BlockPublicAcls: true, IgnorePublicAcls: true, BlockPublicPolicy: true, RestrictPublicBuckets: true}})
    s3.on(GetBucketEncryptionCommand).resolves({ServerSideEncryptionConfiguration: {Rules: [{}]}})
    s3.on(GetBucketLifecycleConfigurationCommand).resolves({Rules: ['runctl-abandoned-uploads', 'runctl-tmp'].map(ID => ({ID, Status: 'Enabled'}))})
    const report = await setup('mine').run({dryRun: false})
    expect(report.steps.map(({state}) => state)).to.deep.equal(Array(8).fill('ok'))
    expect(changes()).to.deep.equal([])
  })

  it("keeps the lifecycle rules of others, and buckets that were opened before", async () => {
    nothingThere()
    iam.on(GetRoleCommand).resolves({})
    const before = instancePolicy({partition: 'aws', bucket: 'mine', readBuckets: ['earlier']})
    iam.on(GetRolePolicyCommand).resolves({RoleName: 'r', PolicyName: 'p', PolicyDocument: encodeURIComponent(JSON.stringify(before))})
    s3.on(HeadBucketCommand).resolves({}).on(GetBucketLifecycleConfigurationCommand).resolves({
      TransitionDefaultMinimumObjectSize: 'varies_by_storage_class', Rules: [{ID: 'theirs', Status: 'Enabled'}],
    })
    await setup('mine').run({dryRun: false, readBuckets: ['now']})
    expect(s3.commandCalls(PutBucketLifecycleConfigurationCommand)[0]?.args[0].input.LifecycleConfiguration?.Rules?.map(({ID}) => ID)).to.deep.equal(
      ['theirs', 'runctl-abandoned-uploads', 'runctl-tmp'])
    expect(s3.commandCalls(PutBucketLifecycleConfigurationCommand)[0]?.args[0].input.TransitionDefaultMinimumObjectSize).to.equal('varies_by_storage_class')
    const put = JSON.parse(iam.commandCalls(PutRolePolicyCommand)[0]?.args[0].input.PolicyDocument ?? '') as PolicyDocument
    expect(put.Statement[1]?.Resource).to.deep.equal(['arn:aws:s3:::earlier/*', 'arn:aws:s3:::mine/*', 'arn:aws:s3:::now/*'])
    expect(s3.commandCalls(CreateBucketCommand)).to.have.length(0)
  })

  it('waits until IAM, S3 and EC2 know what was just made, and changes the bucket by one call at a time', async () => {
    nothingThere()
    const absent = new NoSuchEntityException({message: 'the role cannot be found', $metadata: {}})
    iam.on(AttachRolePolicyCommand).rejectsOnce(absent).resolves({})
    iam.on(PutRolePolicyCommand).rejectsOnce(gone('ConcurrentModificationException')).resolves({})
    iam.on(AddRoleToInstanceProfileCommand).rejectsOnce(absent).rejectsOnce(absent).resolves({})
    ec2.on(DescribeIamInstanceProfileAssociationsCommand).resolves({IamInstanceProfileAssociations: []})
    const unknown = awsError('InvalidParameterValue', 'Value (runctl-instance) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name')
    ec2.on(AssociateIamInstanceProfileCommand).rejectsOnce(unknown).rejectsOnce(unknown).resolves({})
    s3.on(GetPublicAccessBlockCommand).rejectsOnce(gone('NoSuchBucket')).rejects(gone('NoSuchPublicAccessBlockConfiguration'))
    let under = 0
    let most = 0
    const change = async (): Promise<object> => {
      most = Math.max(most, ++under)
      await new Promise(resolve => setImmediate(resolve))
      under--
      return {}
    }
    s3.on(PutPublicAccessBlockCommand).rejectsOnce(gone('OperationAborted')).callsFake(change)
    s3.on(PutBucketEncryptionCommand).callsFake(change).on(PutBucketLifecycleConfigurationCommand).callsFake(change)
    const report = await setup().run({dryRun: false, attach: 'i-0123456789abcdef0'})
    expect(report.steps.map(({state}) => state)).to.deep.equal(['created', 'created', 'created', 'created', 'created', 'changed', 'changed', 'changed', 'created'])
    expect(most).to.equal(1)

    // What goes on being refused is told.
    iam.on(AttachRolePolicyCommand).rejects(absent)
    expect((await expectedFailure(setup().run({dryRun: false}))).message).to.match(/iam:AttachRolePolicy: the role cannot be found/)
  })

  it('leaves a key of the bucket, and says what it needs', async () => {
    nothingThere()
    s3.on(HeadBucketCommand).resolves({})
    s3.on(GetBucketEncryptionCommand).resolves({ServerSideEncryptionConfiguration: {Rules: [{ApplyServerSideEncryptionByDefault: {SSEAlgorithm: 'aws:kms', KMSMasterKeyID: 'arn:aws:kms:eu-west-1:1:key/k'}}]}})
    const report = await setup('mine').run({dryRun: false})
    expect(report.steps.find(({what}) => what === 'bucket mine is encrypted')).to.deep.include({state: 'ok'}).and.to.have.property('detail').that.matches(/key\/k.*kms:GenerateDataKey/)
    expect(s3.commandCalls(PutBucketEncryptionCommand)).to.have.length(0)
  })

  it('says where a bucket is that is elsewhere', async () => {
    nothingThere()
    s3.on(HeadBucketCommand).rejects(Object.assign(gone('Unknown'), {$metadata: {httpStatusCode: 301}, $response: {statusCode: 301, headers: {'x-amz-bucket-region': 'ap-south-1'}}}))
    const error = await expectedFailure(setup('mine').run({dryRun: true}))
    expect(error).to.include({code: 'bad_input'})
    expect(error.message).to.contain('mine is in ap-south-1, not in eu-west-1')
    expect(error.next[0]).to.equal('AWS_REGION=ap-south-1 runctl aws setup --bucket mine')
  })

  it('does not replace a profile that an instance has', async () => {
    nothingThere()
    ec2.on(DescribeIamInstanceProfileAssociationsCommand).resolves({IamInstanceProfileAssociations: [{State: 'associated', IamInstanceProfile: {Arn: 'arn:aws:iam::1:instance-profile/theirs'}}]})
    const error = await expectedFailure(setup().run({dryRun: false, attach: 'i-0123456789abcdef0'}))
    expect(error).to.include({code: 'wrong_state'})
    expect(error.message).to.contain('theirs')
    expect(ec2.commandCalls(AssociateIamInstanceProfileCommand)).to.have.length(0)
    ec2.on(DescribeIamInstanceProfileAssociationsCommand).resolves({IamInstanceProfileAssociations: []}).on(AssociateIamInstanceProfileCommand).resolves({})
    const report = await setup().run({dryRun: false, attach: 'i-0123456789abcdef0'})
    expect(report.steps.at(-1)).to.include({state: 'created'})
    expect(ec2.commandCalls(AssociateIamInstanceProfileCommand)[0]?.args[0].input).to.deep.equal({InstanceId: 'i-0123456789abcdef0', IamInstanceProfile: {Name: 'runctl-instance'}})
  })

  it('refuses what cannot be the name of a bucket', async () => {
    expect(await expectedFailure(setup().run({dryRun: true, bucket: 'Not_A_Bucket'}))).to.include({code: 'bad_input'})
  })

  it('keeps instances from what travels to and from commands of others', () => {
    const policy = instancePolicy({partition: 'aws', bucket: 'b', readBuckets: []})
    const may = (action: string, key: string): boolean => allows([policy], [], action, `arn:aws:s3:::b/${key}`)
    expect([may('s3:GetObject', 'runs/p/r/run.json'), may('s3:PutObject', 'runctl/tmp/doctor-1'), may('s3:GetObject', 'runctl/tmp/doctor-1')]).to.deep.equal([true, true, true])
    expect([may('s3:GetObject', 'runctl/tmp/1-i-1.in'), may('s3:GetObject', 'runctl/tmp/1-i-1.out'), may('s3:DeleteObject', 'a')]).to.deep.equal([false, false, false])
  })

  it('knows the name that EC2 has in China', () => {
    expect(trustPolicy('aws-cn').Statement[0].Principal.Service).to.equal('ec2.amazonaws.com.cn')
    const {Statement} = userPolicy({partition: 'aws-cn', account: ACCOUNT, bucket: 'b', roleName: 'r'})
    expect(Statement.find(({Action}) => Action.includes('iam:PassRole'))?.Condition).to.deep.equal({StringEquals: {'iam:PassedToService': 'ec2.amazonaws.com.cn'}})
  })

  it('gives users no right to end or pass on what is not of runctl', () => {
    const {Statement} = userPolicy({partition: 'aws', account: ACCOUNT, bucket: 'b', roleName: 'runctl-instance'})
    const of = (action: string): (typeof Statement)[number] | undefined => Statement.find(({Action}) => Action.includes(action))
    expect(of('ec2:TerminateInstances')?.Condition).to.deep.equal({Null: {'aws:ResourceTag/runctl:created-by': 'false'}})
    const tagging = Statement.filter(({Action}) => Action.includes('ec2:CreateTags')).map(({Condition}) => Condition)
    expect(tagging).to.deep.equal([
      {StringEquals: {'ec2:CreateAction': ['RunInstances', 'CreateSecurityGroup']}},
      {'ForAllValues:StringNotEqualsIgnoreCase': {'aws:TagKeys': ['runctl:created-by']}},
    ])
    expect(of('iam:PassRole')).to.deep.include({Resource: `arn:aws:iam::${ACCOUNT}:role/runctl-instance`})
    expect(Statement.flatMap(({Action}) => Action).filter(action => action.includes('*'))).to.deep.equal([])
  })
})
