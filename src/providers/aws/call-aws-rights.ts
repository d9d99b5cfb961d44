import type {Advice} from './call-aws-advice.js'
import type {AwsFailure} from './call-aws-errors.js'

/** Who lacks which right, and the statement that gives it. AWS names both in its message for most services; S3 does not. */
export function missingRight({message, name}: AwsFailure, action: string): Advice {
  const who = /User: (arn:[\w:/+=,.@-]+)/.exec(message)?.[1] ?? null
  // A call may fail for a right beside its own: RunInstances for ec2:CreateTags or iam:PassRole.
  const denied = /not authorized to perform: ([a-z0-9-]+:\w+)/.exec(message)?.[1] ?? action
  const resource = /on resource: (arn:[\w:/+=,.@*-]+)/.exec(message)?.[1] ?? null
  const statement = {Effect: 'Allow', Action: denied, Resource: denied === 'iam:PassRole' && resource !== null ? resource : '*'}
  const subject = who ?? 'the AWS identity in use'
  const isForbidden = /explicit deny/.test(message)
  const where = resource === null ? '' : ` on ${resource}`
  return {
    code: 'platform_failed',
    message: isForbidden
      ? `${subject} may not do ${denied}${where} (${name}): a policy forbids it expressly, which only whoever manages the account can change`
      : `${subject} may not do ${denied}${where} (${name}): add ${JSON.stringify(statement)} to its policy`,
    next: ['runctl aws setup --dry-run', 'runctl doctor'],
    details: {missing_action: denied, identity: who, resource, policy_statement: statement},
  }
}
