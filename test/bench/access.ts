/** How each service says no: the same refusal has another code, status and text in each. */

import type {SignatureError, SignatureProblem} from './sigv4.js'
import {ServiceError, type ServiceName} from './types.js'

export type Refusal = 'expired-token' | 'skew' | 'unknown-key' | 'unsigned' | 'wrong-signature'

interface Wording {
  readonly code: string
  readonly status: number
  readonly message: string
}

const BAD_SIGNATURE =
  'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.'
const EC2_UNKNOWN = 'AWS was not able to validate the provided access credentials'
const TOKEN_INVALID = 'The security token included in the request is invalid.'
const TOKEN_EXPIRED = 'The security token included in the request is expired'

const QUERY: Record<Refusal, Wording> = {
  'expired-token': {code: 'ExpiredToken', status: 403, message: TOKEN_EXPIRED},
  skew: {code: 'SignatureDoesNotMatch', status: 403, message: 'Signature expired: the request is too old or too new'},
  'unknown-key': {code: 'InvalidClientTokenId', status: 403, message: TOKEN_INVALID},
  unsigned: {code: 'MissingAuthenticationToken', status: 403, message: 'Request is missing Authentication Token'},
  'wrong-signature': {code: 'SignatureDoesNotMatch', status: 403, message: BAD_SIGNATURE},
}

const JSON_PROTOCOL: Record<Refusal, Wording> = {
  'expired-token': {code: 'ExpiredTokenException', status: 400, message: TOKEN_EXPIRED},
  skew: {code: 'InvalidSignatureException', status: 400, message: 'Signature expired: the request is too old or too new'},
  'unknown-key': {code: 'UnrecognizedClientException', status: 400, message: TOKEN_INVALID},
  unsigned: {code: 'MissingAuthenticationTokenException', status: 400, message: 'Request is missing Authentication Token'},
  'wrong-signature': {code: 'InvalidSignatureException', status: 400, message: BAD_SIGNATURE},
}

const WORDINGS: Record<ServiceName, Record<Refusal, Wording>> = {
  ec2: {
    'expired-token': {code: 'RequestExpired', status: 400, message: 'Request has expired.'},
    skew: {code: 'RequestExpired', status: 400, message: 'Request has expired.'},
    'unknown-key': {code: 'AuthFailure', status: 401, message: EC2_UNKNOWN},
    unsigned: {code: 'AuthFailure', status: 401, message: EC2_UNKNOWN},
    'wrong-signature': {code: 'AuthFailure', status: 401, message: EC2_UNKNOWN},
  },
  iam: QUERY,
  sts: QUERY,
  ssm: JSON_PROTOCOL,
  pricing: JSON_PROTOCOL,
  servicequotas: JSON_PROTOCOL,
  s3: {
    'expired-token': {code: 'ExpiredToken', status: 400, message: 'The provided token has expired.'},
    skew: {code: 'RequestTimeTooSkewed', status: 403, message: 'The difference between the request time and the current time is too large.'},
    'unknown-key': {code: 'InvalidAccessKeyId', status: 403, message: 'The AWS Access Key Id you provided does not exist in our records.'},
    unsigned: {code: 'AccessDenied', status: 403, message: 'Access Denied'},
    'wrong-signature': {code: 'SignatureDoesNotMatch', status: 403, message: BAD_SIGNATURE},
  },
}

export function refused(service: ServiceName, refusal: Refusal): ServiceError {
  const {code, status, message} = WORDINGS[service][refusal]
  return new ServiceError(code, message, status)
}

const REFUSALS: Readonly<Partial<Record<SignatureProblem, Refusal>>> = {
  'expired-token': 'expired-token',
  mismatch: 'wrong-signature',
  skewed: 'skew',
  'unknown-key': 'unknown-key',
  'unknown-token': 'unknown-key',
}

/** What is wrong with a signature, in the service's own words. */
export function signatureRefused(service: ServiceName, {problem, message}: SignatureError): ServiceError {
  if (problem === 'unknown-token' && service === 's3') return new ServiceError('InvalidToken', message)
  if (service === 's3' && problem === 'unknown-token') return new ServiceError('InvalidToken', message)
  const refusal = REFUSALS[problem]
  if (refusal !== undefined) return refused(service, refusal)
  if (problem === 'body-mismatch') return service === 's3' ? new ServiceError('XAmzContentSHA256Mismatch', message) : refused(service, 'wrong-signature')
  if (problem === 'expired-url') return new ServiceError('AccessDenied', message, 403)
  return service === 's3' ? new ServiceError('AuthorizationHeaderMalformed', message) : new ServiceError('IncompleteSignature', message)
}

/** No permission for an action (`ec2:RunInstances`) on a resource. */
export function accessDenied(service: ServiceName, principalArn: string, action: string, resource: string): ServiceError {
  const noPolicy = `because no identity-based policy allows the ${action} action`
  const sentence = `User: ${principalArn} is not authorized to perform: ${action} on resource: ${resource} ${noPolicy}`
  switch (service) {
    case 'ec2': {
      const encoded = Buffer.from(`${action} ${resource}`).toString('base64url')
      return new ServiceError('UnauthorizedOperation', `You are not authorized to perform this operation. ${sentence}. Encoded authorization failure message: ${encoded}`, 403)
    }
    case 's3':
    case 'iam':
    case 'sts':
      return new ServiceError('AccessDenied', sentence, 403)
    case 'ssm':
    case 'pricing':
    case 'servicequotas':
      return new ServiceError('AccessDeniedException', sentence, 400)
  }
}
