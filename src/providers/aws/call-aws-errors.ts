import {RunctlError} from '../../model/errors.js'
import {ADVICE_BY_NAME, type Advice} from './call-aws-advice.js'

/** What is read of an error of the SDK, whatever class it has. */
export interface AwsFailure {
  /** `InsufficientInstanceCapacity`: what decisions hang on. */
  readonly name: string
  /** AWS's own words, data from outside. */
  readonly message: string
  readonly httpStatus: number | null
  readonly requestId: string | null
  /** `ENOTFOUND` and the like: no answer came. */
  readonly networkCode: string | null
  /** How often the SDK sent it. */
  readonly attempts: number
  readonly host: string | null
}

const NETWORK_CODES = /^(E[A-Z]{3,}|CERT_[A-Z_]+|[A-Z_]*CERT[A-Z_]*|UNABLE_TO_[A-Z_]+|ERR_TLS_[A-Z_]+|ERR_SSL_[A-Z_]+)$/

/** The error that the user sees, by the name of AWS's. What is no failure of AWS or of the network, but a mistake in our own code, comes back as it is. */
export function mapAwsError(action: string, error: unknown): unknown {
  const failure = readFailure(error)
  if (failure === null) return error
  const advice = adviceFor(failure, action)
  return new RunctlError(advice.code, advice.message, {
    next: advice.next ?? [],
    details: {
      aws_error: failure.name, request_id: failure.requestId, action, http_status: failure.httpStatus,
      ...(mayHaveHappened(failure) ? {uncertain: true} : {}),
      ...advice.details,
    },
    cause: error,
  })
}

export function readFailure(error: unknown): AwsFailure | null {
  if (!(error instanceof Error)) return null
  const raw = error as Error & {
    readonly code?: unknown
    readonly hostname?: unknown
    readonly address?: unknown
    readonly port?: unknown
    readonly $metadata?: {readonly attempts?: number; readonly httpStatusCode?: number; readonly requestId?: string}
    readonly $response?: {readonly statusCode?: number; readonly headers?: Readonly<Record<string, string>>}
  }
  const answered = raw.$metadata !== undefined || raw.$response !== undefined
  const networkCode = typeof raw.code === 'string' && NETWORK_CODES.test(raw.code) ? raw.code : null
  const isOurs = raw instanceof TypeError || raw instanceof RangeError || raw instanceof ReferenceError
  if (isOurs && !answered && networkCode === null) return null
  return {
    name: raw.name,
    message: firstLine(raw.message),
    httpStatus: raw.$metadata?.httpStatusCode ?? raw.$response?.statusCode ?? null,
    requestId: raw.$metadata?.requestId ?? raw.$response?.headers?.['x-amzn-requestid'] ?? null,
    networkCode,
    attempts: raw.$metadata?.attempts ?? 1,
    host: typeof raw.hostname === 'string' ? raw.hostname : typeof raw.address === 'string' ? `${raw.address}:${Number(raw.port)}` : null,
  }
}

/** No answer came, or one that says nothing about the request. An attempt before the last may have arrived, whatever became of the last. */
function mayHaveHappened({attempts, httpStatus, name, networkCode}: AwsFailure): boolean {
  // Asked again after a lost answer and told to wait: what became of the first attempt, this does not say.
  if (/^SlowDown$|Throttl|RequestLimitExceeded/.test(name)) return attempts > 1
  if (/Capacity/.test(name) || /Credentials|^Token/.test(name)) return false
  return networkCode !== null || name === 'TimeoutError' || (httpStatus !== null && (httpStatus >= 500 || httpStatus < 300))
}

/** EC2 appends pages of base64 to a refusal, the SDK a hint for programmers to what it cannot read. */
function firstLine(message: string): string {
  const text = message.split(/\s*Encoded authorization failure message:|\s*Deserialization error:/)[0] ?? ''
  return text.split('\n')[0]?.trim().slice(0, 600) ?? ''
}

function adviceFor(failure: AwsFailure, action: string): Advice {
  const known = ADVICE_BY_NAME.find(({names}) => names.some(name => (typeof name === 'string' ? name === failure.name : name.test(failure.name))))
  if (known) return known.advise(failure, action)
  if (failure.networkCode !== null || /^(TimeoutError|NetworkingError)$/.test(failure.name)) return cannotReach(failure, action)
  if (failure.httpStatus === 403) return {code: 'platform_failed', message: `AWS refused ${action}: ${said(failure)}`, next: ['runctl aws setup --dry-run', 'runctl doctor']}
  if (/Region is missing/.test(failure.message)) {
    return {code: 'bad_input', message: 'no AWS region is configured', next: ['export AWS_REGION=us-east-1', 'aws configure set region us-east-1']}
  }
  return unknown(failure, action)
}

function cannotReach({host, message, name, networkCode}: AwsFailure, action: string): Advice {
  const why = networkCode ?? (message || name)
  const certain = /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH)$/.test(networkCode ?? '')
  const regional = networkCode === 'ENOTFOUND' && host !== null && /amazonaws\.com/.test(host)
  return {
    code: 'platform_failed',
    message: regional
      ? `cannot reach ${host} for ${action}: no such name (${why}); is the region right, and is this machine online?`
      : `cannot reach AWS for ${action} (${why})${host === null ? '' : ` at ${host}`}${certain ? '' : '; whether the request arrived is not known'}`,
    next: regional ? ['export AWS_REGION=us-east-1', 'runctl doctor'] : ['runctl doctor'],
    details: {network_error: networkCode ?? name},
  }
}

function unknown(failure: AwsFailure, action: string): Advice {
  const status = failure.httpStatus === null ? '' : `, HTTP ${failure.httpStatus}`
  const id = failure.requestId === null ? '' : `, request ${failure.requestId}`
  const isUnreadable = failure.name === 'SyntaxError' || /XML parse error|Unexpected token|is not valid JSON/.test(failure.message)
  const words = isUnreadable ? `what answered is not AWS, or AWS is out of order: ${said(failure)}` : said(failure)
  return {code: 'platform_failed', message: `AWS failed ${action}: ${words} (${failure.name}${status}${id})`, next: ['runctl doctor']}
}

const said = ({message, name}: AwsFailure): string => message || name
