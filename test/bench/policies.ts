/** As much of IAM's policy language as the roles of instances need: effects, actions and resources with wildcards, conditions on tags. */

import {type ConditionContext, conditionsHold} from './conditions.js'

export interface PolicyStatement {
  readonly Sid?: string
  readonly Effect: 'Allow' | 'Deny'
  readonly Action: string | readonly string[]
  readonly Resource: string | readonly string[]
  readonly Condition?: unknown
}

export interface PolicyDocument {
  readonly Version: string
  readonly Statement: PolicyStatement | readonly PolicyStatement[]
}

export const SSM_CORE_POLICY_ARN = 'arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore'

const MANAGED: Readonly<Record<string, PolicyDocument>> = {
  [SSM_CORE_POLICY_ARN]: allowing([
    'ssm:DescribeAssociation', 'ssm:GetDeployablePatchSnapshotForInstance', 'ssm:GetDocument', 'ssm:DescribeDocument', 'ssm:GetManifest',
    'ssm:GetParameter', 'ssm:GetParameters', 'ssm:ListAssociations', 'ssm:ListInstanceAssociations', 'ssm:PutInventory',
    'ssm:PutComplianceItems', 'ssm:PutConfigurePackageResult', 'ssm:UpdateAssociationStatus', 'ssm:UpdateInstanceAssociationStatus',
    'ssm:UpdateInstanceInformation', 'ssmmessages:*', 'ec2messages:*',
  ]),
  'arn:aws:iam::aws:policy/AmazonS3FullAccess': allowing(['s3:*', 's3-object-lambda:*']),
  'arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess': allowing(['s3:Get*', 's3:List*', 's3:Describe*']),
  'arn:aws:iam::aws:policy/CloudWatchAgentServerPolicy': allowing(['cloudwatch:PutMetricData', 'logs:*', 'ec2:DescribeTags', 'ec2:DescribeVolumes']),
}

function allowing(actions: readonly string[]): PolicyDocument {
  return {Version: '2012-10-17', Statement: [{Effect: 'Allow', Action: actions, Resource: '*'}]}
}

export function managedPolicyExists(arn: string): boolean {
  return arn in MANAGED
}

/** The last part of a managed policy's ARN. */
export function policyName(arn: string): string {
  return arn.slice(arn.lastIndexOf('/') + 1)
}

export function allows(inline: readonly PolicyDocument[], attached: Iterable<string>, action: string, resource: string, context: ConditionContext = {}): boolean {
  const managed = [...attached].flatMap((arn) => MANAGED[arn] ?? [])
  const statements = [...inline, ...managed].flatMap((document) => asList(document.Statement)).filter((statement) => covers(statement, action, resource) && conditionsHold(statement.Condition, context))
  return statements.some(({Effect}) => Effect === 'Allow') && !statements.some(({Effect}) => Effect === 'Deny')
}

function covers(statement: PolicyStatement, action: string, resource: string): boolean {
  return asList(statement.Action).some((pattern) => matchesPattern(pattern, action)) && asList(statement.Resource).some((pattern) => matchesPattern(pattern, resource, 's'))
}

function asList<T>(value: T | readonly T[]): readonly T[] {
  return Array.isArray(value) ? (value as readonly T[]) : [value as T]
}

/** `s3:*` matches `s3:GetObject`; `?` is one character; the case counts only with flags `s`. */
export function matchesPattern(pattern: string, text: string, flags: 'is' | 's' = 'is'): boolean {
  const source = pattern.replaceAll(/[\\^$.|+()[\]{}]/g, String.raw`\$&`).replaceAll('*', '.*').replaceAll('?', '.')
  return new RegExp(`^${source}$`, flags).test(text)
}
