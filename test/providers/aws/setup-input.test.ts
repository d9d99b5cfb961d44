import {AssociateIamInstanceProfileCommand, DescribeIamInstanceProfileAssociationsCommand, EC2Client} from '@aws-sdk/client-ec2'
import {
  AddRoleToInstanceProfileCommand, AttachRolePolicyCommand, CreateInstanceProfileCommand, CreateRoleCommand, GetInstanceProfileCommand,
  GetRoleCommand, GetRolePolicyCommand, IAMClient, ListAttachedRolePoliciesCommand, NoSuchEntityException, PutRolePolicyCommand,
} from '@aws-sdk/client-iam'
import {
  CreateBucketCommand, GetBucketEncryptionCommand, GetBucketLifecycleConfigurationCommand, GetPublicAccessBlockCommand, HeadBucketCommand,
  PutBucketEncryptionCommand, PutBucketLifecycleConfigurationCommand, PutPublicAccessBlockCommand, S3Client,
} from '@aws-sdk/client-s3'
import {GetCallerIdentityCommand, STSClient} from '@aws-sdk/client-sts'
import {mockClient} from 'aws-sdk-client-mock'
import {expect} from 'chai'

import type {AwsClients} from '../../../src/providers/aws/clients.js'
import {AwsSetup} from '../../../src/providers/aws/setup/aws-setup.js'
import {HandClock} from '../../support/hand-clock.js'

const ROLE = 'runctl-instance'
const BUCKET = 'runctl-123456789012-eu-west-1'
const TAGS = [{Key: 'runctl:created-by', Value: 'setup'}]
const PRIVATE = {BlockPublicAcls: true, IgnorePublicAcls: true, BlockPublicPolicy: true, RestrictPublicBuckets: true}
const S3 = 'arn:aws:s3:::'

/** Policies, which go as text. */
const TRUST = {Version: '2012-10-17', Statement: [{Effect: 'Allow', Principal: {Service: 'ec2.amazonaws.com'}, Action: 'sts:AssumeRole'}]}
const POLICY = {
  Version: '2012-10-17',
  Statement: [
    {Sid: 'ListBuckets', Effect: 'Allow', Action: ['s3:ListBucket', 's3:GetBucketLocation'], Resource: [`${S3}data`, `${S3}${BUCKET}`]},
    {Sid: 'ReadData', Effect: 'Allow', Action: ['s3:GetObject'], Resource: [`${S3}data/*`, `${S3}${BUCKET}/*`]},
    {Sid: 'LeaveCommandsAlone', Effect: 'Deny', Action: ['s3:GetObject'], Resource: [`${S3}${BUCKET}/runctl/tmp/*.in`, `${S3}${BUCKET}/runctl/tmp/*.out`]},
    {Sid: 'WriteOutputs', Effect: 'Allow', Action: ['s3:PutObject', 's3:AbortMultipartUpload', 's3:ListMultipartUploadParts'], Resource: [`${S3}${BUCKET}/*`]},
    {Sid: 'SayWhyStopped', Effect: 'Allow', Action: ['ec2:CreateTags'], Resource: 'arn:aws:ec2:*:*:instance/*', Condition: {
      'ForAllValues:StringEquals': {'aws:TagKeys': ['runctl:state-reason', 'runctl:guard']}, Null: {'aws:ResourceTag/runctl:created-by': 'false'},
    }},
    {Sid: 'SeeSpotPrices', Effect: 'Allow', Action: ['ec2:DescribeSpotPriceHistory'], Resource: '*'},
  ],
}
const RULES = [
  {ID: 'runctl-abandoned-uploads', Status: 'Enabled', Filter: {Prefix: ''}, AbortIncompleteMultipartUpload: {DaysAfterInitiation: 3}},
  {ID: 'runctl-tmp', Status: 'Enabled', Filter: {Prefix: 'runctl/tmp/'}, Expiration: {Days: 1}},
]

/** Everything that setup asks, with everything that it says; each answer is that nothing is there. */
const EXPECTED: Readonly<Record<'ec2' | 'iam' | 's3', readonly (readonly [operation: string, input: object])[]>> = {
  iam: [
    ['GetRole', {RoleName: ROLE}],
    ['CreateRole', {RoleName: ROLE, AssumeRolePolicyDocument: TRUST, Description: 'Instances of runctl: commands by SSM, training data and outputs in S3', Tags: TAGS}],
    ['ListAttachedRolePolicies', {RoleName: ROLE}],
    ['AttachRolePolicy', {RoleName: ROLE, PolicyArn: 'arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore'}],
    ['GetRolePolicy', {RoleName: ROLE, PolicyName: 'runctl-s3'}],
    ['PutRolePolicy', {RoleName: ROLE, PolicyName: 'runctl-s3', PolicyDocument: POLICY}],
    ['GetInstanceProfile', {InstanceProfileName: ROLE}],
    ['CreateInstanceProfile', {InstanceProfileName: ROLE, Tags: TAGS}],
    ['AddRoleToInstanceProfile', {InstanceProfileName: ROLE, RoleName: ROLE}],
  ],
  s3: [
    ['HeadBucket', {Bucket: BUCKET, ExpectedBucketOwner: '123456789012'}],
    ['CreateBucket', {Bucket: BUCKET, CreateBucketConfiguration: {LocationConstraint: 'eu-west-1'}}],
    ['GetPublicAccessBlock', {Bucket: BUCKET}],
    ['PutPublicAccessBlock', {Bucket: BUCKET, PublicAccessBlockConfiguration: PRIVATE}],
    ['GetBucketEncryption', {Bucket: BUCKET}],
    ['PutBucketEncryption', {Bucket: BUCKET, ServerSideEncryptionConfiguration: {Rules: [{ApplyServerSideEncryptionByDefault: {SSEAlgorithm: 'AES256'}}]}}],
    ['GetBucketLifecycleConfiguration', {Bucket: BUCKET}],
    ['PutBucketLifecycleConfiguration', {Bucket: BUCKET, LifecycleConfiguration: {Rules: RULES}}],
  ],
  ec2: [
    ['DescribeIamInstanceProfileAssociations', {Filters: [{Name: 'instance-id', Values: ['i-0123456789abcdef0']}]}],
    ['AssociateIamInstanceProfile', {InstanceId: 'i-0123456789abcdef0', IamInstanceProfile: {Name: ROLE}}],
  ],
}

describe('what aws setup says in each of its calls', () => {
  const mock = () => ({ec2: mockClient(EC2Client), iam: mockClient(IAMClient), s3: mockClient(S3Client), sts: mockClient(STSClient)})
  let mocks: ReturnType<typeof mock>
  after(() => {
    for (const one of Object.values(mocks)) one.restore()
  })

  before(async () => {
    mocks = mock()
    const {ec2, iam, s3, sts} = mocks
    const absent = new NoSuchEntityException({message: 'no', $metadata: {}})
    const no = (name: string): Error => Object.assign(new Error(name), {name})
    sts.on(GetCallerIdentityCommand).resolves({Account: '123456789012', Arn: 'arn:aws:iam::123456789012:user/me'})
    iam.on(GetRoleCommand).rejects(absent).on(GetInstanceProfileCommand).rejects(absent).on(GetRolePolicyCommand).rejects(absent)
    iam.on(ListAttachedRolePoliciesCommand).resolves({AttachedPolicies: []}).on(CreateRoleCommand).resolves({}).on(PutRolePolicyCommand).resolves({})
    iam.on(AttachRolePolicyCommand).resolves({}).on(CreateInstanceProfileCommand).resolves({}).on(AddRoleToInstanceProfileCommand).resolves({})
    s3.on(HeadBucketCommand).rejects(no('NotFound')).on(GetPublicAccessBlockCommand).rejects(no('NoSuchPublicAccessBlockConfiguration'))
    s3.on(GetBucketEncryptionCommand).rejects(no('ServerSideEncryptionConfigurationNotFoundError')).on(GetBucketLifecycleConfigurationCommand).rejects(no('NoSuchLifecycleConfiguration'))
    s3.on(CreateBucketCommand).resolves({}).on(PutPublicAccessBlockCommand).resolves({}).on(PutBucketEncryptionCommand).resolves({}).on(PutBucketLifecycleConfigurationCommand).resolves({})
    ec2.on(DescribeIamInstanceProfileAssociationsCommand).resolves({IamInstanceProfileAssociations: []}).on(AssociateIamInstanceProfileCommand).resolves({})
    const config = {region: 'eu-west-1', credentials: {accessKeyId: 'a', secretAccessKey: 'b'}}
    const clients = {
      iam: async () => new IAMClient(config), s3: async () => new S3Client(config), ec2: async () => new EC2Client(config), sts: async () => new STSClient(config),
      region: async () => 'eu-west-1', endpoint: null,
    } as unknown as AwsClients
    await new AwsSetup({clients, clock: new HandClock(), profileName: ROLE, bucket: null}).run({dryRun: false, readBuckets: ['data'], attach: 'i-0123456789abcdef0'})
  })

  const asked = (service: keyof typeof EXPECTED): readonly (readonly [string, object])[] =>
    (mocks[service] as typeof mocks.iam).calls().map(({args: [command]}) => [command.constructor.name.replace(/Command$/, ''), withoutText(command.input)] as const)

  for (const service of ['iam', 's3', 'ec2'] as const) {
    it(`${service}: ${EXPECTED[service].map(([operation]) => operation).join(', ')}`, () => {
      // Policies are attached beside each other.
      expect(asked(service)).to.have.deep.members([...EXPECTED[service]]).and.to.have.length(EXPECTED[service].length)
    })
  }
})

function withoutText(input: object): object {
  const parsed = Object.entries(input).map(([name, value]) => [name, name.endsWith('PolicyDocument') ? (JSON.parse(String(value)) as unknown) : value])
  return Object.fromEntries(parsed) as object
}
