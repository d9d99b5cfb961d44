import type {IAMClient} from '@aws-sdk/client-iam'

import {RunctlError} from '../../../model/errors.js'
import type {SetupStep} from '../../provider.js'
import {callAws, sendOptions} from '../call-aws.js'
import type {AwsClients} from '../clients.js'
import type {AwsClock} from '../clock.js'
import type {Account} from './aws-setup.js'
import {instancePolicy, SSM_POLICY_NAME, ssmPolicyArn, trustPolicy} from './policies.js'
import {untilSettled} from './until-settled.js'

export const INLINE_POLICY_NAME = 'runctl-s3'
const TAGS = [{Key: 'runctl:created-by', Value: 'setup'}]

interface Input {
  readonly clients: AwsClients
  readonly clock: AwsClock
  readonly account: Account
  readonly profileName: string
  readonly bucket: string
  readonly readBuckets: readonly string[]
  readonly dryRun: boolean
  readonly signal: AbortSignal | undefined
}

/** The role that an instance has: taking commands by SSM, reading data, writing outputs. */
export class ProfileSetup {
  constructor(private readonly input: Input) {}

  async run(): Promise<readonly SetupStep[]> {
    const role = await this.role()
    const policies = role.state === 'planned' ? this.plannedPolicies() : await Promise.all([this.ssmPolicy(), this.s3Policy()])
    return [role, ...policies, await this.profile()]
  }

  /** Gives the profile to an instance that has none. Rejects with `wrong_state` where it has another one. */
  async attach(instanceId: string): Promise<SetupStep> {
    const {clients, dryRun, profileName, signal} = this.input
    const {AssociateIamInstanceProfileCommand, DescribeIamInstanceProfileAssociationsCommand} = await import('@aws-sdk/client-ec2')
    const ec2 = await clients.ec2()
    const what = `instance profile of ${instanceId}`
    const {IamInstanceProfileAssociations: found = []} = await callAws('ec2:DescribeIamInstanceProfileAssociations', signal, () =>
      ec2.send(new DescribeIamInstanceProfileAssociationsCommand({Filters: [{Name: 'instance-id', Values: [instanceId]}]}), this.options))
    const current = found.find(({State}) => State === 'associated' || State === 'associating')?.IamInstanceProfile?.Arn
    if (current?.endsWith(`/${profileName}`)) return {what, state: 'ok', detail: profileName}
    if (current !== undefined) {
      throw new RunctlError('wrong_state', `instance ${instanceId} has the instance profile ${current}, which is not replaced; give its role the policy ${SSM_POLICY_NAME}`, {
        next: [`aws iam attach-role-policy --role-name ROLE --policy-arn ${ssmPolicyArn(this.input.account.partition)}`, `runctl doctor ${instanceId}`],
        details: {instance_id: instanceId, instance_profile: current},
      })
    }
    const detail = `${profileName}; its SSM agent connects within a few minutes, or after a reboot`
    if (dryRun) return {what, state: 'planned', detail}
    await untilSettled(() => callAws('ec2:AssociateIamInstanceProfile', signal, () =>
      ec2.send(new AssociateIamInstanceProfileCommand({InstanceId: instanceId, IamInstanceProfile: {Name: profileName}}), this.options)), this.input)
    return {what, state: 'created', detail}
  }

  private async role(): Promise<SetupStep> {
    const {CreateRoleCommand, GetRoleCommand} = await import('@aws-sdk/client-iam')
    const {dryRun, profileName} = this.input
    const what = `role ${profileName}`
    const detail = 'EC2 instances may take it'
    const found = await this.orNull('iam:GetRole', iam => iam.send(new GetRoleCommand({RoleName: profileName}), this.options))
    if (found) return {what, state: 'ok', detail}
    if (dryRun) return {what, state: 'planned', detail}
    const created = await this.unlessThere('iam:CreateRole', iam => iam.send(new CreateRoleCommand({
      RoleName: profileName,
      AssumeRolePolicyDocument: JSON.stringify(trustPolicy(this.input.account.partition)),
      Description: 'Instances of runctl: commands by SSM, training data and outputs in S3',
      Tags: TAGS,
    }), this.options))
    return {what, state: created ? 'created' : 'ok', detail}
  }

  private plannedPolicies(): readonly SetupStep[] {
    const [ssm, s3] = this.policyWords
    return [{...ssm, state: 'planned'}, {...s3, state: 'planned'}]
  }

  private get policyWords() {
    const {bucket, readBuckets} = this.input
    const more = readBuckets.length > 0 ? `; reads ${readBuckets.join(', ')}` : ''
    return [
      {what: `policy ${SSM_POLICY_NAME}`, detail: 'takes commands through SSM'},
      {what: `policy ${INLINE_POLICY_NAME}`, detail: `reads and writes ${bucket}, deletes nothing${more}`},
    ] as const
  }

  private async ssmPolicy(): Promise<SetupStep> {
    const {AttachRolePolicyCommand, ListAttachedRolePoliciesCommand} = await import('@aws-sdk/client-iam')
    const {account, dryRun, profileName: RoleName} = this.input
    const PolicyArn = ssmPolicyArn(account.partition)
    const words = this.policyWords[0]
    const attached = await this.send('iam:ListAttachedRolePolicies', iam => iam.send(new ListAttachedRolePoliciesCommand({RoleName}), this.options))
    if (attached.AttachedPolicies?.some(policy => policy.PolicyArn === PolicyArn)) return {...words, state: 'ok'}
    if (dryRun) return {...words, state: 'planned'}
    await this.send('iam:AttachRolePolicy', iam => iam.send(new AttachRolePolicyCommand({RoleName, PolicyArn}), this.options))
    return {...words, state: 'created'}
  }

  private async s3Policy(): Promise<SetupStep> {
    const {GetRolePolicyCommand, PutRolePolicyCommand} = await import('@aws-sdk/client-iam')
    const {account, bucket, dryRun, profileName: RoleName} = this.input
    const found = await this.orNull('iam:GetRolePolicy', iam => iam.send(new GetRolePolicyCommand({RoleName, PolicyName: INLINE_POLICY_NAME}), this.options))
    const current = found?.PolicyDocument === undefined ? null : decodeURIComponent(found.PolicyDocument)
    // Buckets that an earlier setup opened stay open: nobody's training stops because this one did not name them.
    const readBuckets = [...this.input.readBuckets, ...bucketsIn(current).filter(name => name !== bucket)]
    const wanted = JSON.stringify(instancePolicy({partition: account.partition, bucket, readBuckets}))
    const words = this.policyWords[1]
    if (current === wanted) return {...words, state: 'ok'}
    if (dryRun) return {...words, state: 'planned'}
    await this.send('iam:PutRolePolicy', iam => iam.send(new PutRolePolicyCommand({RoleName, PolicyName: INLINE_POLICY_NAME, PolicyDocument: wanted}), this.options))
    return {...words, state: current === null ? 'created' : 'changed'}
  }

  private async profile(): Promise<SetupStep> {
    const {AddRoleToInstanceProfileCommand, CreateInstanceProfileCommand, GetInstanceProfileCommand} = await import('@aws-sdk/client-iam')
    const {dryRun, profileName} = this.input
    const what = `instance profile ${profileName}`
    const detail = `holds the role ${profileName}`
    const found = await this.orNull('iam:GetInstanceProfile', iam => iam.send(new GetInstanceProfileCommand({InstanceProfileName: profileName}), this.options))
    const roles = found?.InstanceProfile?.Roles ?? []
    if (roles.some(({RoleName}) => RoleName === profileName)) return {what, state: 'ok', detail}
    const [other] = roles
    if (other) throw new RunctlError('wrong_state', `the instance profile ${profileName} holds another role, ${other.RoleName ?? ''}; it is not replaced`, {
      next: ['runctl config set aws.instance_profile OTHER-NAME --user', 'runctl aws setup'],
    })
    if (dryRun) return {what, state: 'planned', detail}
    if (!found) await this.unlessThere('iam:CreateInstanceProfile', iam => iam.send(new CreateInstanceProfileCommand({InstanceProfileName: profileName, Tags: TAGS}), this.options))
    await this.send('iam:AddRoleToInstanceProfile', iam => iam.send(new AddRoleToInstanceProfileCommand({InstanceProfileName: profileName, RoleName: profileName}), this.options))
    return {what, state: found ? 'changed' : 'created', detail}
  }

  private get options(): {abortSignal?: AbortSignal} {
    return sendOptions(this.input.signal)
  }

  private send<T>(action: string, call: (iam: IAMClient) => Promise<T>): Promise<T> {
    return untilSettled(() => callAws(action, this.input.signal, async () => call(await this.input.clients.iam())), this.input)
  }

  private orNull<T>(action: string, call: (iam: IAMClient) => Promise<T>): Promise<T | null> {
    return this.send(action, async iam => call(iam).catch((error: unknown) => {
      if (error instanceof Error && error.name === 'NoSuchEntityException') return null
      throw error
    }))
  }

  /** false where somebody made it a moment before. */
  private unlessThere(action: string, call: (iam: IAMClient) => Promise<unknown>): Promise<boolean> {
    return this.send(action, async iam => call(iam).then(() => true, (error: unknown) => {
      if (error instanceof Error && error.name === 'EntityAlreadyExistsException') return false
      throw error
    }))
  }
}

/** The buckets that a policy of ours lets be read. */
function bucketsIn(policy: string | null): readonly string[] {
  if (policy === null) return []
  try {
    const {Statement} = JSON.parse(policy) as {Statement?: readonly {Sid?: string; Resource?: readonly string[]}[]}
    const resources = Statement?.find(({Sid}) => Sid === 'ListBuckets')?.Resource ?? []
    return resources.map(arn => arn.split(':::')[1] ?? '').filter(name => name !== '')
  } catch {
    return []
  }
}
