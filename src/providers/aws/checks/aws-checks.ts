import {randomUUID} from 'node:crypto'

import {isRunctlError} from '../../../model/errors.js'
import type {Check, CheckResult, CheckTarget, ObjectStore} from '../../provider.js'
import {callAws, sendOptions} from '../call-aws.js'
import type {AwsClients} from '../clients.js'
import {readAccount} from '../setup/aws-setup.js'
import {SAY_WHY_STOPPED, SSM_POLICY_NAME, ssmPolicyArn} from '../setup/policies.js'
import {INLINE_POLICY_NAME} from '../setup/profile-setup.js'
import {checkQuota} from './quota-check.js'

export interface AwsChecksDeps {
  readonly clients: AwsClients
  readonly store: ObjectStore
  /** The configured bucket; null where there is none. */
  readonly bucket: string | null
  readonly profileName: string
  readonly defaultType: string
  readonly now: () => Date
}

/** AWS refuses signatures that are 5 minutes off (S3: 15); a clock that drifts so far goes on drifting. */
const MOST_SKEW_MS = 60_000

const ok = (found: string): CheckResult => ({status: 'ok', found, fix: null})
const failed = (found: string, fix: string): CheckResult => ({status: 'failed', found, fix})

/** What can be proved from this machine; what only an instance can prove is checked through the agent. */
export function awsChecks(deps: AwsChecksDeps, target: CheckTarget): readonly Check[] {
  return [
    {name: 'identity', needs: [], run: ({signal}) => identity(deps, signal)},
    {name: 'clock', needs: ['identity'], run: ({signal}) => clock(deps, signal)},
    {name: 'region', needs: ['identity'], run: ({signal}) => region(deps, signal)},
    {name: 'instance profile', needs: ['identity'], run: ({signal}) => instanceProfile(deps, signal)},
    {name: 'bucket', needs: ['identity', 'region'], run: options => bucket(deps, options)},
    {name: 'quota', needs: ['identity', 'region'], run: ({signal}) => checkQuota(deps.clients, target.instanceType ?? deps.defaultType, signal)},
  ]
}

async function identity({clients}: AwsChecksDeps, signal: AbortSignal | undefined): Promise<CheckResult> {
  const {GetCallerIdentityCommand} = await import('@aws-sdk/client-sts')
  const me = await callAws('sts:GetCallerIdentity', signal, async () => (await clients.sts()).send(new GetCallerIdentityCommand({}), sendOptions(signal)))
  const found = `${me.Arn ?? 'unknown'} in account ${me.Account ?? 'unknown'}`
  if (me.Arn?.endsWith(':root')) return {status: 'warning', found, fix: 'use an IAM user or role with the policy that `runctl aws setup --dry-run` prints, not the root user'}
  return ok(found)
}

async function clock({clients, now}: AwsChecksDeps, signal: AbortSignal | undefined): Promise<CheckResult> {
  const {GetCallerIdentityCommand} = await import('@aws-sdk/client-sts')
  const sts = await clients.sts()
  let theirs: string | undefined
  const command = new GetCallerIdentityCommand({})
  command.middlewareStack.add(next => async args => {
    const result = await next(args)
    theirs = (result.response as {headers?: Record<string, string>}).headers?.['date']
    return result
  }, {step: 'deserialize', name: 'readDate', priority: 'low'})
  await callAws('sts:GetCallerIdentity', signal, () => sts.send(command, sendOptions(signal)))
  const at = Date.parse(theirs ?? '')
  if (Number.isNaN(at)) return {status: 'warning', found: 'AWS did not say what time it is', fix: null}
  const skewMs = now().getTime() - at
  const found = `${Math.abs(skewMs / 1000).toFixed(1)} s ${skewMs < 0 ? 'behind' : 'ahead of'} AWS`
  return Math.abs(skewMs) <= MOST_SKEW_MS ? ok(found) : failed(found, 'set the clock of this machine: sudo timedatectl set-ntp true')
}

async function region({clients}: AwsChecksDeps, signal: AbortSignal | undefined): Promise<CheckResult> {
  const {DescribeAvailabilityZonesCommand} = await import('@aws-sdk/client-ec2')
  const name = await clients.region()
  const zones = await callAws('ec2:DescribeAvailabilityZones', signal, async () => (await clients.ec2()).send(new DescribeAvailabilityZonesCommand({}), sendOptions(signal)))
  return ok(`${name}, ${zones.AvailabilityZones?.length ?? 0} zones`)
}

async function instanceProfile({clients, profileName}: AwsChecksDeps, signal: AbortSignal | undefined): Promise<CheckResult> {
  const {GetInstanceProfileCommand, ListAttachedRolePoliciesCommand} = await import('@aws-sdk/client-iam')
  const iam = await clients.iam()
  const options = sendOptions(signal)
  const found = await callAws('iam:GetInstanceProfile', signal, () =>
    iam.send(new GetInstanceProfileCommand({InstanceProfileName: profileName}), options).catch((error: unknown) => {
      if (error instanceof Error && error.name === 'NoSuchEntityException') return null
      throw error
    }))
  const role = found?.InstanceProfile?.Roles?.[0]?.RoleName
  if (!found) return failed(`there is no instance profile ${profileName}`, 'runctl aws setup')
  if (role === undefined) return failed(`${profileName} holds no role`, 'runctl aws setup')
  const {partition} = await readAccount(clients, signal)
  const [{AttachedPolicies: policies = []}, note] = await Promise.all([
    callAws('iam:ListAttachedRolePolicies', signal, () => iam.send(new ListAttachedRolePoliciesCommand({RoleName: role}), options)),
    tagNote(clients, role, signal),
  ])
  if (policies.some(({PolicyArn}) => PolicyArn === ssmPolicyArn(partition))) return ok(`${profileName}, with ${SSM_POLICY_NAME}${note}`)
  // A policy of one's own may allow the same: only a command that answers proves it.
  return {status: 'warning', found: `the role ${role} does not have ${SSM_POLICY_NAME}`, fix: 'runctl aws setup, or prove that commands answer: runctl doctor INSTANCE'}
}

/** Limits on an instance hold without the right: so this is a note, and silent where it cannot be found out. */
async function tagNote(clients: AwsClients, role: string, signal: AbortSignal | undefined): Promise<string> {
  const {GetRolePolicyCommand} = await import('@aws-sdk/client-iam')
  const found = await callAws('iam:GetRolePolicy', signal, async () =>
    (await clients.iam()).send(new GetRolePolicyCommand({RoleName: role, PolicyName: INLINE_POLICY_NAME}), sendOptions(signal))).catch((error: unknown) => {
    if (isRunctlError(error)) return null
    throw error
  })
  if (found?.PolicyDocument === undefined || decodeURIComponent(found.PolicyDocument).includes(`"${SAY_WHY_STOPPED}"`)) return ''
  return '; an instance may not say in its tags why its limits stopped it, until `runctl aws setup` has run again'
}

/** Writes, reads and deletes an object of its own. */
async function bucket({bucket: name, store}: AwsChecksDeps, {signal}: {readonly signal?: AbortSignal}): Promise<CheckResult> {
  if (name === null || store.scratch === null) return {status: 'warning', found: 'none is configured: large files go slowly through SSM, outputs stay on the instance', fix: 'runctl aws setup'}
  const uri = `${store.scratch}doctor-${randomUUID()}`
  const options = signal ? {signal} : {}
  try {
    const sent = Buffer.from(uri)
    await store.put(uri, sent, options)
    const back = await store.get(uri, options)
    if (!sent.equals(back)) return failed(`${name} gives back other bytes than it was given`, `check what stands between this machine and s3://${name}`)
    return ok(`${name}: wrote, read and deleted an object`)
  } catch (error) {
    if (isRunctlError(error) && error.code === 'not_found') return failed(`there is no bucket ${name}`, 'runctl aws setup')
    throw error
  } finally {
    await store.delete([uri], options).catch(() => undefined)
  }
}
