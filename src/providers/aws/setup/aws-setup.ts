import {RunctlError} from '../../../model/errors.js'
import type {Setup, SetupReport, SetupRequest, SetupStep} from '../../provider.js'
import {callAws, sendOptions} from '../call-aws.js'
import type {AwsClients} from '../clients.js'
import {systemClock, type AwsClock} from '../clock.js'
import {BucketSetup} from './bucket-setup.js'
import {userPolicy} from './policies.js'
import {ProfileSetup} from './profile-setup.js'

export interface AwsSetupDeps {
  readonly clients: AwsClients
  /** Name of the instance profile and of its role. */
  readonly profileName: string
  /** The configured bucket, if there is one. */
  readonly bucket: string | null
  readonly clock?: AwsClock
}

export interface Account {
  readonly id: string
  /** `aws`, `aws-cn`, `aws-us-gov`. */
  readonly partition: string
}

/** The role with its instance profile, and the bucket. What is there and right stays as it is; what is there and was made by others is never replaced. */
export class AwsSetup implements Setup {
  constructor(private readonly deps: AwsSetupDeps) {}

  async run(request: SetupRequest): Promise<SetupReport> {
    const {clients, clock = systemClock, profileName} = this.deps
    const {signal} = request
    const [account, region] = await Promise.all([readAccount(clients, signal), clients.region()])
    const bucket = request.bucket ?? this.deps.bucket ?? `runctl-${account.id}-${region}`
    checkBucketName(bucket)
    const profile = new ProfileSetup({clients, clock, account, profileName, bucket, readBuckets: request.readBuckets ?? [], dryRun: request.dryRun, signal})
    const store = new BucketSetup({clients, clock, account, region, bucket, dryRun: request.dryRun, signal})
    const [forInstances, forObjects] = await Promise.all([profile.run(), store.run()])
    const attached: readonly SetupStep[] = request.attach === undefined ? [] : [await profile.attach(request.attach)]
    return {
      steps: [...forInstances, ...forObjects, ...attached],
      settings: {bucket, ...(profileName === DEFAULT_PROFILE ? {} : {instance_profile: profileName})},
      userPolicy: userPolicy({...account, account: account.id, bucket, roleName: profileName}),
    }
  }
}

export const DEFAULT_PROFILE = 'runctl-instance'

/** Rejects as {@link callAws} does where there are no credentials. */
export async function readAccount(clients: AwsClients, signal: AbortSignal | undefined): Promise<Account> {
  const {GetCallerIdentityCommand} = await import('@aws-sdk/client-sts')
  const identity = await callAws('sts:GetCallerIdentity', signal, async () => (await clients.sts()).send(new GetCallerIdentityCommand({}), sendOptions(signal)))
  return {id: identity.Account ?? '', partition: (identity.Arn ?? 'arn:aws:').split(':')[1] ?? 'aws'}
}

function checkBucketName(name: string): void {
  if (/^(?=.{3,63}$)[a-z0-9][a-z0-9-]*[a-z0-9]$/.test(name)) return
  throw new RunctlError('bad_input', `${JSON.stringify(name)} cannot be the name of a bucket: 3 to 63 lower case letters, digits and '-'`, {
    next: ['runctl aws setup --bucket NAME'],
  })
}
