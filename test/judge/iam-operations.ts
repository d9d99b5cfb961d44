import {
  AddRoleToInstanceProfileCommand, AttachRolePolicyCommand, CreateInstanceProfileCommand, CreateRoleCommand, GetInstanceProfileCommand,
  GetRoleCommand, GetRolePolicyCommand, type IAMClient, ListAttachedRolePoliciesCommand, PutRolePolicyCommand,
} from '@aws-sdk/client-iam'
import {GetCallerIdentityCommand, type STSClient} from '@aws-sdk/client-sts'

import type {Transcript} from './transcript.js'

export const PROFILE = 'runctl-instance'
const POLICY = {RoleName: PROFILE, PolicyName: 'runctl-s3'}
const TRUST = JSON.stringify({Version: '2012-10-17', Statement: [{Effect: 'Allow', Principal: {Service: 'ec2.amazonaws.com'}, Action: 'sts:AssumeRole'}]})
const DOCUMENT = JSON.stringify({Version: '2012-10-17', Statement: [{Effect: 'Allow', Action: ['s3:GetObject'], Resource: ['arn:aws:s3:::a b/*']}]})

/** What `aws setup` and `doctor` ask of IAM and STS. */
export async function iamOperations(script: Transcript, iam: IAMClient, sts: STSClient): Promise<void> {
  await script.note('GetCallerIdentity', () => sts.send(new GetCallerIdentityCommand({})), ({Account, Arn}) => ({Account, partition: Arn?.split(':')[1], root: Arn?.endsWith(':root')}))

  const role = {RoleName: PROFILE, AssumeRolePolicyDocument: TRUST, Description: 'Instances', Tags: [{Key: 'runctl:created-by', Value: 'setup'}]}
  const getRole = () => iam.send(new GetRoleCommand({RoleName: PROFILE}))
  await script.note('GetRole of none', getRole, () => ({}))
  await script.note('CreateRole', () => iam.send(new CreateRoleCommand(role)), ({Role}) => ({Arn: Role?.Arn, RoleName: Role?.RoleName}))
  await script.note('CreateRole again', () => iam.send(new CreateRoleCommand(role)), () => ({}))
  await script.note('GetRole', getRole, ({Role}) => ({Arn: Role?.Arn, Description: Role?.Description, trust: decodeURIComponent(Role?.AssumeRolePolicyDocument ?? '')}))

  const attached = () => iam.send(new ListAttachedRolePoliciesCommand({RoleName: PROFILE}))
  const attach = (name: string) => () => iam.send(new AttachRolePolicyCommand({RoleName: PROFILE, PolicyArn: `arn:aws:iam::aws:policy/${name}`}))
  await script.note('ListAttachedRolePolicies of none', attached, ({AttachedPolicies}) => AttachedPolicies)
  await script.note('AttachRolePolicy', attach('AmazonSSMManagedInstanceCore'), () => ({}))
  await script.note('AttachRolePolicy again', attach('AmazonSSMManagedInstanceCore'), () => ({}))
  await script.note('AttachRolePolicy of none', attach('NoSuchPolicy'), () => ({}))
  await script.note('ListAttachedRolePolicies', attached, ({AttachedPolicies}) => AttachedPolicies)

  const getPolicy = () => iam.send(new GetRolePolicyCommand(POLICY))
  await script.note('GetRolePolicy of none', getPolicy, () => ({}))
  await script.note('PutRolePolicy', () => iam.send(new PutRolePolicyCommand({...POLICY, PolicyDocument: DOCUMENT})), () => ({}))
  await script.note('GetRolePolicy', getPolicy, ({PolicyDocument = ''}) => ({same: decodeURIComponent(PolicyDocument) === DOCUMENT}))
  await script.note('PutRolePolicy of no role', () => iam.send(new PutRolePolicyCommand({...POLICY, RoleName: 'nobody', PolicyDocument: DOCUMENT})), () => ({}))

  const InstanceProfileName = PROFILE
  const getProfile = () => iam.send(new GetInstanceProfileCommand({InstanceProfileName}))
  const add = () => iam.send(new AddRoleToInstanceProfileCommand({InstanceProfileName, RoleName: PROFILE}))
  await script.note('GetInstanceProfile of none', getProfile, () => ({}))
  await script.note('CreateInstanceProfile', () => iam.send(new CreateInstanceProfileCommand({InstanceProfileName, Tags: role.Tags})), ({InstanceProfile}) => InstanceProfile?.Arn)
  await script.note('CreateInstanceProfile again', () => iam.send(new CreateInstanceProfileCommand({InstanceProfileName})), () => ({}))
  await script.note('GetInstanceProfile without a role', getProfile, ({InstanceProfile}) => InstanceProfile?.Roles)
  await script.note('AddRoleToInstanceProfile', add, () => ({}))
  await script.note('AddRoleToInstanceProfile again', add, () => ({}))
  await script.note('GetInstanceProfile', getProfile, ({InstanceProfile}) => ({Arn: InstanceProfile?.Arn, roles: InstanceProfile?.Roles?.map(({RoleName}) => RoleName)}))
}
