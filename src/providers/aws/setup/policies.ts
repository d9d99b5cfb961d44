/** IAM documents: what an instance may do, and what a user of runctl needs at least. */

export interface PolicyStatement {
  readonly Sid: string
  readonly Effect: 'Allow' | 'Deny'
  readonly Action: readonly string[]
  readonly Resource: readonly string[] | string
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>
}

export interface PolicyDocument {
  readonly Version: '2012-10-17'
  readonly Statement: readonly PolicyStatement[]
}

/** What EC2 needs to give the role to an instance. */
export const trustPolicy = (partition: string) => ({
  Version: '2012-10-17',
  Statement: [{Effect: 'Allow', Principal: {Service: ec2Principal(partition)}, Action: 'sts:AssumeRole'}],
} as const)
/** EC2 has another name in China. */
const ec2Principal = (partition: string): string => (partition === 'aws-cn' ? 'ec2.amazonaws.com.cn' : 'ec2.amazonaws.com')

/** AWS's own policy with which the SSM agent registers and takes commands. */
export const SSM_POLICY_NAME = 'AmazonSSMManagedInstanceCore'
export const ssmPolicyArn = (partition: string): string => `arn:${partition}:iam::aws:policy/${SSM_POLICY_NAME}`

export interface InstancePolicyInput {
  readonly partition: string
  /** Checkpoints, logs and artifacts go there. */
  readonly bucket: string
  /** Training data may be read from these. */
  readonly readBuckets: readonly string[]
}

/**
 * What a training machine does in S3: read data, write outputs. It can delete nothing, and cannot read what travels to and from commands,
 * which may be secret and another machine's: it is given URLs for its own.
 */
export function instancePolicy({bucket, partition, readBuckets}: InstancePolicyInput): PolicyDocument {
  const arn = (name: string): string => `arn:${partition}:s3:::${name}`
  const readable = [...new Set([bucket, ...readBuckets])].toSorted()
  return {
    Version: '2012-10-17',
    Statement: [
      {Sid: 'ListBuckets', Effect: 'Allow', Action: ['s3:ListBucket', 's3:GetBucketLocation'], Resource: readable.map(arn)},
      {Sid: 'ReadData', Effect: 'Allow', Action: ['s3:GetObject'], Resource: readable.map(name => `${arn(name)}/*`)},
      {Sid: 'LeaveCommandsAlone', Effect: 'Deny', Action: ['s3:GetObject'], Resource: ['in', 'out'].map(kind => `${arn(bucket)}/runctl/tmp/*.${kind}`)},
      {Sid: 'WriteOutputs', Effect: 'Allow', Action: ['s3:PutObject', 's3:AbortMultipartUpload', 's3:ListMultipartUploadParts'], Resource: [`${arn(bucket)}/*`]},
    ],
  }
}

export interface UserPolicyInput {
  readonly partition: string
  readonly account: string
  readonly bucket: string
  readonly roleName: string
}

/** The least rights with which every command works, but for `aws setup` itself, which also needs to write IAM and the bucket. */
export function userPolicy({account, bucket, partition, roleName}: UserPolicyInput): PolicyDocument {
  const allow = (Sid: string, Action: readonly string[], Resource: readonly string[] | string, Condition?: PolicyStatement['Condition']): PolicyStatement =>
    ({Sid, Effect: 'Allow', Action, Resource, ...(Condition ? {Condition} : {})})
  const created = {Null: {'aws:ResourceTag/runctl:created-by': 'false'}}
  const ec2 = (kind: string): string => `arn:${partition}:ec2:*:${account}:${kind}/*`
  // Their ARNs name no account.
  const snapshots = `arn:${partition}:ec2:*::snapshot/*`
  return {
    Version: '2012-10-17',
    Statement: [
      allow('Look', [
        'ec2:DescribeAddresses', 'ec2:DescribeAvailabilityZones', 'ec2:DescribeIamInstanceProfileAssociations', 'ec2:DescribeImages', 'ec2:DescribeInstances',
        'ec2:DescribeInstanceTypeOfferings', 'ec2:DescribeInstanceTypes', 'ec2:DescribeRegions', 'ec2:DescribeSecurityGroups', 'ec2:DescribeSnapshots',
        'ec2:DescribeSpotInstanceRequests', 'ec2:DescribeSpotPriceHistory', 'ec2:DescribeSubnets', 'ec2:DescribeVolumes', 'ec2:DescribeVpcs', 'pricing:GetProducts', 'servicequotas:GetServiceQuota', 'ssm:DescribeInstanceInformation',
        'ssm:GetCommandInvocation', 'ssm:ListCommandInvocations',
      ], '*'),
      allow('Create', ['ec2:RunInstances'], '*'),
      allow('TagWhatIsCreated', ['ec2:CreateTags'], [ec2('instance'), ec2('volume'), ec2('spot-instances-request'), ec2('security-group')], {
        StringEquals: {'ec2:CreateAction': ['RunInstances', 'CreateSecurityGroup']},
      }),
      // But not the tag that makes an instance one of runctl's: whoever could set it could terminate all.
      allow('TagInstances', ['ec2:CreateTags'], ec2('instance'), {'ForAllValues:StringNotEqualsIgnoreCase': {'aws:TagKeys': ['runctl:created-by']}}),
      allow('OneSecurityGroup', ['ec2:CreateSecurityGroup'], '*'),
      allow('StartAndStop', ['ec2:StartInstances', 'ec2:StopInstances'], ec2('instance')),
      allow('TerminateWhatRunctlCreated', ['ec2:TerminateInstances'], ec2('instance'), created),
      allow('DeleteWhatRunctlCreated', ['ec2:DeleteSnapshot', 'ec2:DeleteVolume', 'ec2:ReleaseAddress'], [snapshots, ec2('volume'), ec2('elastic-ip')], created),
      allow('EndPersistentSpotRequests', ['ec2:CancelSpotInstanceRequests'], ec2('spot-instances-request'), created),
      allow('GiveInstancesTheirRole', ['iam:PassRole'], `arn:${partition}:iam::${account}:role/${roleName}`, {StringEquals: {'iam:PassedToService': ec2Principal(partition)}}),
      allow('SeeTheProfile', ['iam:GetInstanceProfile', 'iam:ListAttachedRolePolicies'], [
        `arn:${partition}:iam::${account}:instance-profile/${roleName}`, `arn:${partition}:iam::${account}:role/${roleName}`,
      ]),
      // EC2 makes this role itself at an account's first spot instance.
      allow('FirstSpotInstance', ['iam:CreateServiceLinkedRole'], `arn:${partition}:iam::${account}:role/aws-service-role/spot.amazonaws.com/AWSServiceRoleForEC2Spot`, {
        StringEquals: {'iam:AWSServiceName': 'spot.amazonaws.com'},
      }),
      allow('RunCommands', ['ssm:SendCommand'], [`arn:${partition}:ssm:*::document/AWS-RunShellScript`, ec2('instance')]),
      allow('CancelCommands', ['ssm:CancelCommand'], '*'),
      allow('FindImages', ['ssm:GetParameter', 'ssm:GetParameters'], `arn:${partition}:ssm:*::parameter/aws/service/*`),
      allow('Bucket', ['s3:ListBucket', 's3:GetBucketLocation'], `arn:${partition}:s3:::${bucket}`),
      allow('Objects', ['s3:GetObject', 's3:PutObject', 's3:DeleteObject', 's3:AbortMultipartUpload'], `arn:${partition}:s3:::${bucket}/*`),
    ],
  }
}
