import type {ErrorCode} from '../../model/errors.js'
import type {AwsFailure} from './call-aws-errors.js'
import {missingRight} from './call-aws-rights.js'

export interface Advice {
  readonly code: ErrorCode
  readonly message: string
  readonly next?: readonly string[]
  readonly details?: Readonly<Record<string, unknown>>
}

interface AdviceRule {
  readonly names: readonly (RegExp | string)[]
  advise(failure: AwsFailure, action: string): Advice
}

const LOGIN = ['aws sso login', 'aws configure sso', 'export AWS_PROFILE=NAME', 'runctl doctor']
const CREATE = 'runctl aws create'

/** The first rule that names the error decides. */
export const ADVICE_BY_NAME: readonly AdviceRule[] = [
  {
    names: ['CredentialsProviderError', 'CredentialsError', 'TokenProviderError', 'ProviderError', 'InvalidConfigurationException'],
    advise: ({name, message}) =>
      name === 'TokenProviderError' || /\bsso\b/i.test(message)
        ? {code: 'platform_failed', message: `the AWS sign-in has ended or is missing: ${message}`, next: LOGIN}
        : {
            code: 'platform_failed',
            message: `no AWS credentials were found: ${message}`,
            next: ['aws configure sso', 'export AWS_PROFILE=NAME', 'runctl doctor'],
          },
  },
  {
    names: ['ExpiredToken', 'ExpiredTokenException', 'RequestExpired', 'TokenRefreshRequired', 'UnauthorizedException', 'ExpiredTokenError'],
    advise: ({name}) => ({
      code: 'platform_failed',
      message: `the AWS credentials have expired (${name}${name === 'RequestExpired' ? ', or the clock of this machine is wrong' : ''})`,
      next: LOGIN,
    }),
  },
  {
    names: ['RequestTimeTooSkewed', 'RequestInTheFuture'],
    advise: ({name}) => ({code: 'platform_failed', message: `AWS refuses requests from this machine because its clock is wrong (${name})`, next: ['runctl doctor']}),
  },
  {
    names: ['AuthFailure.ServiceLinkedRoleCreationNotPermitted'],
    advise: ({message}) => ({
      code: 'platform_failed',
      message: `this account has had no spot instance yet, and these credentials may not make the role that EC2 needs for them: ${message}`,
      next: ['aws iam create-service-linked-role --aws-service-name spot.amazonaws.com', 'runctl aws setup --dry-run'],
      details: {missing_action: 'iam:CreateServiceLinkedRole'},
    }),
  },
  {
    names: [
      'AuthFailure', 'UnrecognizedClientException', 'InvalidClientTokenId', 'InvalidAccessKeyId', 'SignatureDoesNotMatch',
      'InvalidSignatureException', 'IncompleteSignature', 'MissingAuthenticationToken', 'MissingAuthenticationTokenException', 'InvalidToken',
    ],
    advise: ({name, message}) => ({
      code: 'platform_failed',
      message: `AWS does not accept these credentials (${name}): ${message}`,
      next: ['aws sts get-caller-identity', 'export AWS_PROFILE=NAME', 'runctl doctor'],
    }),
  },
  {names: ['UnauthorizedOperation', /^AccessDenied/, 'Forbidden', 'NotAuthorized'], advise: missingRight},
  {
    names: ['OptInRequired', 'UnknownEndpoint', 'UnsupportedRegionException', 'RegionDisabledException'],
    advise: ({name, message}) => ({
      code: 'platform_failed',
      message: `this account cannot use the region or service (${name}): ${message}`,
      next: ['aws account list-regions', 'export AWS_REGION=us-east-1', 'runctl doctor'],
    }),
  },
  {
    names: ['PendingVerification', 'Blocked', 'SubscriptionRequiredException', 'AccountDisabled'],
    advise: ({name, message}) => ({code: 'platform_failed', message: `AWS holds this account back (${name}): ${message}`, next: ['runctl doctor']}),
  },
  {
    names: [
      'RequestLimitExceeded', 'EC2ThrottledException', /^Throttl/, /^RequestThrottled/, 'TooManyRequestsException', 'SlowDown', 'BandwidthLimitExceeded',
      'PriorRequestNotComplete',
    ],
    advise: ({name}, action) => ({
      code: 'platform_failed',
      message: `AWS takes no more ${action} from this account at the moment (${name}), also after several attempts: try again in a minute; several ids in one command take fewer calls`,
    }),
  },
  {
    names: ['InsufficientInstanceCapacity', 'InsufficientHostCapacity', 'InsufficientCapacityOnHost', 'InsufficientCapacity', 'UnfulfillableCapacity', 'ReservationCapacityExceeded'],
    advise: ({name, message}) => ({
      code: 'platform_failed',
      message: `AWS has none of these machines free there now (${name}): ${message}; another zone, another type or a later time may do`,
      next: [`${CREATE} --zone ZONE`, `${CREATE} --type TYPE`],
    }),
  },
  {
    names: ['VcpuLimitExceeded', 'InstanceLimitExceeded', 'MaxSpotInstanceCountExceeded'],
    advise: ({name, message}) => ({
      code: 'platform_failed',
      message: `this account's quota does not allow it (${name}): ${message}; ask for a higher quota, or end what is not needed`,
      next: ['runctl doctor', 'runctl resources list', 'aws service-quotas list-service-quotas --service-code ec2'],
    }),
  },
  {
    names: ['SpotMaxPriceTooLow', 'InvalidSpotMaxPrice'],
    advise: ({name, message}) => ({
      code: 'platform_failed',
      message: `the price offered is below the spot price (${name}): ${message}`,
      next: [`${CREATE} --spot`, CREATE],
    }),
  },
  {
    names: ['Unsupported', 'UnsupportedHostConfiguration'],
    advise: ({message}) => ({
      code: 'platform_failed',
      message: `the zone does not have this (Unsupported): ${message}; another zone or another type may do`,
      next: [`${CREATE} --zone ZONE`, `${CREATE} --type TYPE`],
    }),
  },
  {
    names: ['InsufficientFreeAddressesInSubnet'],
    advise: ({message}) => ({code: 'platform_failed', message: `the subnet has no address left: ${message}`, next: [`${CREATE} --subnet SUBNET`]}),
  },
  {
    names: [/^InvalidInstanceID/],
    advise: ({message}) => ({code: 'not_found', message: `there is no such instance: ${message}`, next: ['runctl resources list --platform aws']}),
  },
  {
    names: ['VolumeInUse', 'InvalidSnapshot.InUse', 'InvalidIPAddress.InUse', 'InvalidAddress.InUse'],
    advise: ({name, message}) => ({code: 'wrong_state', message: `it is in use, and nothing was deleted (${name}): ${message}`, next: ['runctl resources list']}),
  },
  {
    names: ['InvalidVolume.NotFound', 'InvalidSnapshot.NotFound', 'InvalidAllocationID.NotFound', 'InvalidAddress.NotFound', 'InvalidAddressID.NotFound'],
    advise: ({message}) => ({code: 'not_found', message: `there is no such thing: ${message}`, next: ['runctl resources list']}),
  },
  {
    names: ['IncorrectInstanceState', 'IncorrectState', 'UnsupportedOperation', 'IncorrectSpotRequestState'],
    advise: ({name, message}) => ({code: 'wrong_state', message: `AWS cannot do that in the present state (${name}): ${message}`, next: ['runctl resources list']}),
  },
  {
    names: ['OperationNotPermitted'],
    advise: ({message}) => ({
      code: 'wrong_state',
      message: `the instance is protected against that: ${message}`,
      next: ['aws ec2 modify-instance-attribute --instance-id ID --no-disable-api-termination', 'aws ec2 modify-instance-attribute --instance-id ID --no-disable-api-stop'],
    }),
  },
  {
    names: ['IdempotentParameterMismatch'],
    advise: () => ({code: 'bad_input', message: 'this request id was used before for an instance with other settings', next: ['runctl resources list']}),
  },
  {
    names: [
      'NoSuchBucket', 'NoSuchKey', 'NoSuchUpload', 'NotFound', 'NoSuchEntity', 'NoSuchEntityException', 'ParameterNotFound', 'NoSuchResourceException',
    ],
    advise: ({name, message}, action) => ({code: 'not_found', message: `${action}: ${message || name} (${name})`}),
  },
  {
    names: ['PermanentRedirect', 'AuthorizationHeaderMalformed', 'IllegalLocationConstraintException'],
    advise: ({name, message}) => ({code: 'platform_failed', message: `the bucket is in another region than the configured one (${name}): ${message}`, next: ['runctl doctor']}),
  },
  {
    names: [/^Invalid(AMI|Group|KeyPair|Subnet|SubnetID|SecurityGroup|Vpc|VpcID|Zone|Snapshot|BlockDevice|IamInstance|InstanceType|Parameter|Request$)/, /^MissingParameter/, 'DefaultVpcDoesNotExist', 'VPCIdNotSpecified', 'TagLimitExceeded'],
    advise: ({name, message}) => ({code: 'bad_input', message: `AWS does not accept this (${name}): ${message}`}),
  },
]
