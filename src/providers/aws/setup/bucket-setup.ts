import type {LifecycleRule, S3Client} from '@aws-sdk/client-s3'

import {isRunctlError, RunctlError, withContext} from '../../../model/errors.js'
import type {SetupStep} from '../../provider.js'
import {callAws, sendOptions} from '../call-aws.js'
import type {AwsClients} from '../clients.js'
import type {AwsClock} from '../clock.js'
import {explainS3Error, isWrongRegion, readS3Failure} from '../store/s3-errors.js'
import type {Account} from './aws-setup.js'
import {untilSettled} from './until-settled.js'

interface Input {
  readonly clients: AwsClients
  readonly clock: AwsClock
  readonly account: Account
  readonly region: string
  readonly bucket: string
  readonly dryRun: boolean
  readonly signal: AbortSignal | undefined
}

/** What setup wants of a bucket's lifecycle, by rule id. Rules of others are kept. */
const RULES: readonly LifecycleRule[] = [
  // Parts of uploads that nobody finished cost money and are listed nowhere.
  {ID: 'runctl-abandoned-uploads', Status: 'Enabled', Filter: {Prefix: ''}, AbortIncompleteMultipartUpload: {DaysAfterInitiation: 3}},
  {ID: 'runctl-tmp', Status: 'Enabled', Filter: {Prefix: 'runctl/tmp/'}, Expiration: {Days: 1}},
]

const WANT = {BlockPublicAcls: true, IgnorePublicAcls: true, BlockPublicPolicy: true, RestrictPublicBuckets: true} as const

/** The bucket: private, encrypted, clearing away what was left half-done. */
export class BucketSetup {
  constructor(private readonly input: Input) {}

  async run(): Promise<readonly SetupStep[]> {
    const bucket = await this.bucket()
    if (bucket.state === 'planned') return [bucket, ...['is private', 'is encrypted', 'lifecycle'].map(name => this.step(name, 'planned'))]
    // One after the other: S3 refuses a change of a bucket while another is under way.
    return [bucket, await this.privacy(), await this.encryption(), await this.lifecycle()]
  }

  private step(name: string, state: SetupStep['state'], detail?: string): SetupStep {
    const details: Readonly<Record<string, string>> = {
      'is private': 'no public access of any kind',
      'is encrypted': 'AES-256 with keys of S3',
      lifecycle: 'unfinished uploads end after 3 days, runctl/tmp/ after 1',
    }
    return {what: `bucket ${this.input.bucket} ${name}`, state, detail: detail ?? details[name] ?? ''}
  }

  private async bucket(): Promise<SetupStep> {
    const {CreateBucketCommand, HeadBucketCommand} = await import('@aws-sdk/client-s3')
    const {account, bucket: Bucket, dryRun, region} = this.input
    const what = `bucket ${Bucket}`
    const detail = `in ${region}`
    const exists = await this.orNull('s3:ListBucket', ['NotFound', 'NoSuchBucket'], s3 =>
      s3.send(new HeadBucketCommand({Bucket, ExpectedBucketOwner: account.id}), this.options)).catch((error: unknown) => {
      const cause = isRunctlError(error) ? error.cause : null
      const failure = readS3Failure(cause)
      if (isWrongRegion(failure)) throw elsewhere(Bucket, region, failure.bucketRegion, error)
      // The answer to HEAD has no words: S3's own reader knows what a bare refusal may mean.
      const explained = failure.status === 403 ? explainS3Error(cause, {bucket: Bucket, key: '', action: 's3:ListBucket', region}) : error
      const told = isRunctlError(explained) ? explained : error
      throw isRunctlError(told) ? withContext(told, {next: [`runctl aws setup --bucket NAME # if ${Bucket} belongs to somebody else`]}) : told
    })
    if (exists) return {what, state: 'ok', detail}
    if (dryRun) return {what, state: 'planned', detail}
    const made = await this.orNull('s3:CreateBucket', ['BucketAlreadyOwnedByYou'], s3 => s3.send(new CreateBucketCommand({
      Bucket,
      ...(region === 'us-east-1' ? {} : {CreateBucketConfiguration: {LocationConstraint: region as 'eu-west-1'}}),
    }), this.options))
    return {what, state: made ? 'created' : 'ok', detail}
  }

  private async privacy(): Promise<SetupStep> {
    const {GetPublicAccessBlockCommand, PutPublicAccessBlockCommand} = await import('@aws-sdk/client-s3')
    const {bucket: Bucket} = this.input
    const found = await this.orNull('s3:GetBucketPublicAccessBlock', ['NoSuchPublicAccessBlockConfiguration'], s3 => s3.send(new GetPublicAccessBlockCommand({Bucket}), this.options))
    const current = found?.PublicAccessBlockConfiguration
    const isRight = current !== undefined && Object.keys(WANT).every(key => current[key as keyof typeof WANT] === true)
    return this.mend('is private', isRight, 's3:PutBucketPublicAccessBlock', s3 =>
      s3.send(new PutPublicAccessBlockCommand({Bucket, PublicAccessBlockConfiguration: WANT}), this.options))
  }

  private async encryption(): Promise<SetupStep> {
    const {GetBucketEncryptionCommand, PutBucketEncryptionCommand} = await import('@aws-sdk/client-s3')
    const {bucket: Bucket} = this.input
    const found = await this.orNull('s3:GetEncryptionConfiguration', ['ServerSideEncryptionConfigurationNotFoundError'], s3 =>
      s3.send(new GetBucketEncryptionCommand({Bucket}), this.options))
    // A key of one's own is stronger than what would be set here: any rule will do.
    const [rule] = found?.ServerSideEncryptionConfiguration?.Rules ?? []
    const {KMSMasterKeyID: key} = rule?.ApplyServerSideEncryptionByDefault ?? {}
    if (key !== undefined) return this.step('is encrypted', 'ok', `with the key ${key}: its policy must let the instances' role and its users do kms:GenerateDataKey and kms:Decrypt`)
    const isRight = rule !== undefined
    return this.mend('is encrypted', isRight, 's3:PutEncryptionConfiguration', s3 => s3.send(new PutBucketEncryptionCommand({
      Bucket,
      ServerSideEncryptionConfiguration: {Rules: [{ApplyServerSideEncryptionByDefault: {SSEAlgorithm: 'AES256'}}]},
    }), this.options))
  }

  private async lifecycle(): Promise<SetupStep> {
    const {GetBucketLifecycleConfigurationCommand, PutBucketLifecycleConfigurationCommand} = await import('@aws-sdk/client-s3')
    const {bucket: Bucket} = this.input
    const found = await this.orNull('s3:GetLifecycleConfiguration', ['NoSuchLifecycleConfiguration'], s3 =>
      s3.send(new GetBucketLifecycleConfigurationCommand({Bucket}), this.options))
    const current = found?.Rules ?? []
    const lacking = RULES.filter(rule => !current.some(({ID, Status}) => ID === rule.ID && Status === 'Enabled'))
    return this.mend('lifecycle', lacking.length === 0, 's3:PutLifecycleConfiguration', s3 => s3.send(new PutBucketLifecycleConfigurationCommand({
      Bucket,
      // The whole configuration is replaced at once, so the rules of others go back as they came.
      ...(found?.TransitionDefaultMinimumObjectSize === undefined ? {} : {TransitionDefaultMinimumObjectSize: found.TransitionDefaultMinimumObjectSize}),
      LifecycleConfiguration: {Rules: [...current.filter(({ID}) => !lacking.some(rule => rule.ID === ID)), ...lacking]},
    }), this.options))
  }

  private async mend(name: string, isRight: boolean, action: string, change: (s3: S3Client) => Promise<unknown>): Promise<SetupStep> {
    if (isRight) return this.step(name, 'ok')
    if (this.input.dryRun) return this.step(name, 'planned')
    await untilSettled(() => callAws(action, this.input.signal, async () => change(await this.input.clients.s3())), this.input)
    return this.step(name, 'changed')
  }

  private get options(): {abortSignal?: AbortSignal} {
    return sendOptions(this.input.signal)
  }

  private orNull<T>(action: string, absent: readonly string[], call: (s3: S3Client) => Promise<T>): Promise<T | null> {
    return untilSettled(() => callAws(action, this.input.signal, async () => call(await this.input.clients.s3()).catch((error: unknown) => {
      if (error instanceof Error && absent.includes(error.name)) return null
      throw error
    })), this.input)
  }
}

function elsewhere(bucket: string, region: string, actual: string | null, cause: unknown): RunctlError {
  return new RunctlError('bad_input', `the bucket ${bucket} is in ${actual ?? 'another region'}, not in ${region}, where it would be set up`, {
    next: [...(actual === null ? [] : [`AWS_REGION=${actual} runctl aws setup --bucket ${bucket}`]), 'runctl aws setup --bucket NAME'],
    details: {bucket, bucket_region: actual},
    cause,
  })
}
