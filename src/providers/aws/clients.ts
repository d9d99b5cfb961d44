import type {EC2Client} from '@aws-sdk/client-ec2'
import type {IAMClient} from '@aws-sdk/client-iam'
import type {PricingClient} from '@aws-sdk/client-pricing'
import type {S3Client} from '@aws-sdk/client-s3'
import type {ServiceQuotasClient} from '@aws-sdk/client-service-quotas'
import type {SSMClient} from '@aws-sdk/client-ssm'
import type {STSClient} from '@aws-sdk/client-sts'

import {RunctlError} from '../../model/errors.js'
import type {ProviderEnvironment} from '../provider.js'

/** The SDK's clients, each loaded and made when it is first asked for, with credentials and region found once for all. */
export interface AwsClients {
  ec2(): Promise<EC2Client>
  iam(): Promise<IAMClient>
  pricing(): Promise<PricingClient>
  quotas(): Promise<ServiceQuotasClient>
  s3(): Promise<S3Client>
  ssm(): Promise<SSMClient>
  /** Sends each request once: for SendCommand, which has no idempotency token. */
  ssmOnce(): Promise<SSMClient>
  sts(): Promise<STSClient>
  /** Rejects with `bad_input` where no region is configured anywhere. */
  region(): Promise<string>
  /** The same account in another region, with the same credentials. Throws `bad_input` for what cannot be a region. */
  inRegion(region: string): AwsClients
  /** AWS_ENDPOINT_URL and its like, where one is set; else null. */
  readonly endpoint: string | null
  /** The same for EC2. */
  readonly ec2Endpoint: string | null
}

type Environment = Pick<ProviderEnvironment, 'env' | 'settings'>

/** What this asks of every client of the SDK. */
interface AnyClient {
  readonly config: {
    readonly region: () => Promise<string>
    readonly credentials: () => Promise<{readonly accessKeyId: string; readonly secretAccessKey: string}>
  }
}

/** Throttling is a matter of seconds, and the SDK's own three attempts are over in a tenth of one. */
const MAX_ATTEMPTS = 8
const CONNECTION_TIMEOUT_MS = 6000
/** For a whole request and answer; the slowest calls used here (RunInstances) take a few seconds. */
const REQUEST_TIMEOUT_MS = 60_000
/** Bytes of S3 may take as long as they move. */
const IDLE_TIMEOUT_MS = 60_000

/**
 * Region: RUNCTL_AWS_REGION, AWS_REGION, AWS_DEFAULT_REGION, the setting, the profile's own. Profile: RUNCTL_AWS_PROFILE,
 * AWS_PROFILE, the setting; access keys in the environment go before a profile that only the setting names. The rest
 * (SSO, roles, containers, instance metadata, AWS_MAX_ATTEMPTS) is the SDK's own chain.
 */
export function createClients({env, settings}: Environment): AwsClients {
  const credentials = credentialSource({env, settings})
  return clientsIn(configuredRegion({env, settings}), {env, profile: credentials.profile, shared: {keys: credentials.keys}})
}

interface Account {
  readonly env: Environment['env']
  readonly profile: string | null
  /** Clients of one process find credentials once: the first one's answer, kept and renewed by the SDK, serves the others. */
  readonly shared: {keys: AnyClient['config']['credentials'] | undefined}
}

/** null: the region of the profile. */
function clientsIn(region: string | null, account: Account): AwsClients {
  const {env, profile, shared} = account
  const attempts = env['AWS_MAX_ATTEMPTS'] ? {} : {maxAttempts: MAX_ATTEMPTS}
  const base = {
    ...(region === null ? {} : {region}),
    ...(profile === null ? {} : {profile}),
    ...(env['AWS_RETRY_MODE'] ? {} : {retryMode: 'adaptive' as const}),
    ...attempts,
    requestHandler: {connectionTimeout: CONNECTION_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS, throwOnRequestTimeout: true},
  }
  const endpointOf = (service: string): {endpoint?: string} => {
    const endpoint = configuredEndpoint(env, service)
    return endpoint === null ? {} : {endpoint}
  }

  const make = <T extends AnyClient>(create: (common: typeof base & {credentials?: AnyClient['config']['credentials']}) => T): T => {
    const client = create(shared.keys ? {...base, credentials: shared.keys} : base)
    shared.keys ??= client.config.credentials
    return client
  }
  const lazily = <T extends AnyClient>(load: () => Promise<T>): (() => Promise<T>) => {
    let made: Promise<T> | undefined
    return () => (made ??= silenceNodeWarning(load).then(checkRegion))
  }

  const ec2 = lazily(async () => {
    const {EC2Client} = await import('@aws-sdk/client-ec2')
    return giveUpWithoutCapacity(make(common => new EC2Client({...common, ...endpointOf('EC2')})))
  })
  return {
    ec2,
    iam: lazily(async () => {
      const {IAMClient} = await import('@aws-sdk/client-iam')
      return make(common => new IAMClient({...common, ...endpointOf('IAM')}))
    }),
    pricing: lazily(async () => {
      const {PricingClient} = await import('@aws-sdk/client-pricing')
      // The service has three endpoints, each with the prices of every region.
      return make(common => new PricingClient({...common, region: 'us-east-1', maxAttempts: 3, ...endpointOf('PRICING')}))
    }),
    quotas: lazily(async () => {
      const {ServiceQuotasClient} = await import('@aws-sdk/client-service-quotas')
      return make(common => new ServiceQuotasClient({...common, ...endpointOf('SERVICE_QUOTAS')}))
    }),
    s3: lazily(async () => {
      const {S3Client} = await import('@aws-sdk/client-s3')
      const endpoint = endpointOf('S3')
      const requestHandler = {connectionTimeout: CONNECTION_TIMEOUT_MS, socketTimeout: IDLE_TIMEOUT_MS}
      return make(common => new S3Client({...common, ...endpoint, requestHandler, forcePathStyle: isForeign(endpoint.endpoint)}))
    }),
    ssm: lazily(async () => {
      const {SSMClient} = await import('@aws-sdk/client-ssm')
      return make(common => new SSMClient({...common, ...endpointOf('SSM')}))
    }),
    ssmOnce: lazily(async () => {
      const {SSMClient} = await import('@aws-sdk/client-ssm')
      return make(common => new SSMClient({...common, ...endpointOf('SSM'), retryMode: 'standard', maxAttempts: 1}))
    }),
    sts: lazily(async () => {
      const {STSClient} = await import('@aws-sdk/client-sts')
      return make(common => new STSClient({...common, ...endpointOf('STS')}))
    }),
    region: async () => region ?? (await (await ec2()).config.region()),
    inRegion: other => clientsIn(checkedRegion(other), account),
    endpoint: configuredEndpoint(env, 'S3'),
    ec2Endpoint: configuredEndpoint(env, 'EC2'),
  }
}

/** An empty variable counts as none, as it does for the AWS CLI. */
const firstSet = (...values: readonly unknown[]): string | null =>
  values.find((value): value is string => typeof value === 'string' && value !== '') ?? null

/** null: the profile's own. Throws `bad_input` for what cannot be a region: it becomes a part of host names. */
function configuredRegion({env, settings}: Environment): string | null {
  const region = firstSet(env['RUNCTL_AWS_REGION'], env['AWS_REGION'], env['AWS_DEFAULT_REGION'], settings['region'])
  return region === null ? null : checkedRegion(region)
}

function checkedRegion(region: string): string {
  if (/^[a-z0-9-]{1,63}$/.test(region)) return region
  throw new RunctlError('bad_input', `${JSON.stringify(region)} is not the name of an AWS region`, {next: ['export AWS_REGION=us-east-1']})
}

function credentialSource({env, settings}: Environment): {
  readonly profile: string | null
  readonly keys: AnyClient['config']['credentials'] | undefined
} {
  const chosen = firstSet(env['RUNCTL_AWS_PROFILE'], env['AWS_PROFILE'])
  const [accessKeyId, secretAccessKey] = [env['AWS_ACCESS_KEY_ID'], env['AWS_SECRET_ACCESS_KEY']]
  if (chosen !== null || !accessKeyId || !secretAccessKey) return {profile: chosen ?? firstSet(settings['profile']), keys: undefined}
  const sessionToken = env['AWS_SESSION_TOKEN']
  const keys = {accessKeyId, secretAccessKey, ...(sessionToken ? {sessionToken} : {})}
  return {profile: null, keys: () => Promise.resolve(keys)}
}

function configuredEndpoint(env: Environment['env'], service: string): string | null {
  if (env['AWS_IGNORE_CONFIGURED_ENDPOINT_URLS'] === 'true') return null
  const endpoint = firstSet(env[`AWS_ENDPOINT_URL_${service}`], env['AWS_ENDPOINT_URL'])
  if (endpoint === null || /^https?:$/.test(URL.canParse(endpoint) ? new URL(endpoint).protocol : '')) return endpoint
  throw new RunctlError('bad_input', `AWS_ENDPOINT_URL is no http address: ${JSON.stringify(endpoint)}`, {next: ['unset AWS_ENDPOINT_URL']})
}

/** Buckets are no part of the host name at an address that is not AWS's own. */
const isForeign = (endpoint: string | undefined): boolean =>
  endpoint !== undefined && URL.canParse(endpoint) && !/(^|\.)amazonaws\.com(\.cn)?$/.test(new URL(endpoint).hostname)

/** AWS says "no capacity" with HTTP 500; asking the same zone again for seconds only keeps the next zone waiting. */
function giveUpWithoutCapacity(client: EC2Client): EC2Client {
  const provide = client.config.retryStrategy
  client.config.retryStrategy = async () => {
    const strategy = await provide()
    if (!('refreshRetryTokenForRetry' in strategy)) return strategy
    return {
      acquireInitialRetryToken: scope => strategy.acquireInitialRetryToken(scope),
      recordSuccess: token => strategy.recordSuccess(token),
      async refreshRetryTokenForRetry(token, info) {
        if (info.error instanceof Error && /^(Insufficient|Unfulfillable)\w*Capacity/.test(info.error.name)) throw info.error
        return strategy.refreshRetryTokenForRetry(token, info)
      },
    }
  }
  return client
}

/** The SDK warns of Node 20 on standard error at its first client; which Node runs is not for the user of a command to mend. */
async function silenceNodeWarning<T>(load: () => Promise<T>): Promise<T> {
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true'
  return load()
}

async function checkRegion<T extends AnyClient>(client: T): Promise<T> {
  try {
    await client.config.region()
  } catch (cause) {
    throw new RunctlError('bad_input', 'no AWS region is configured', {
      next: ['export AWS_REGION=us-east-1', 'runctl config set aws.region us-east-1', 'aws configure set region us-east-1'],
      cause,
    })
  }
  return client
}
