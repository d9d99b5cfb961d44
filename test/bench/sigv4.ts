/** Signature version 4 as AWS checks it: in the Authorization header, and in the query of a presigned URL. */
import {createHash, createHmac, timingSafeEqual} from 'node:crypto'

/** As much of a request as is signed. */
export interface SignedRequest {
  readonly method: string
  /** As sent, still percent-encoded, without the query. */
  readonly path: string
  readonly query: URLSearchParams
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

export interface SigningKey {
  readonly secret: string
  readonly sessionToken: string | null
  /** null: never. */
  readonly expiresAt: Date | null
}

/** Each service has its own name for these in its error answers. */
export type SignatureProblem =
  | 'body-mismatch'
  | 'expired-token'
  | 'expired-url'
  | 'malformed'
  | 'mismatch'
  | 'skewed'
  | 'unknown-key'
  | 'unknown-token'

export class SignatureError extends Error {
  constructor(
    readonly problem: SignatureProblem,
    message: string,
  ) {
    super(message)
  }
}

/** What a request says of its signature. */
export interface SignatureClaim {
  readonly accessKeyId: string
  /** `20261123` */
  readonly day: string
  readonly region: string
  readonly service: string
  readonly signedHeaders: readonly string[]
  readonly signature: string
  /** `20261123T101500Z` */
  readonly date: string
  /** Of a presigned URL: how many seconds it lasts; null where the header is signed. */
  readonly expiresInSeconds: number | null
  readonly sessionToken: string | null
}

const MAX_SKEW_MS = 15 * 60_000
const MAX_EXPIRY_SECONDS = 604_800

/** null where a request is not signed at all. */
export function readClaim(request: Omit<SignedRequest, 'body'>): SignatureClaim | null {
  const {headers, query} = request
  const header = headers['authorization']
  if (header !== undefined) return readHeaderClaim(header, headers)
  if (!query.has('X-Amz-Signature') && !query.has('X-Amz-Credential')) return null
  if (query.get('X-Amz-Algorithm') !== 'AWS4-HMAC-SHA256') {
    throw new SignatureError('malformed', 'X-Amz-Algorithm only supports "AWS4-HMAC-SHA256"')
  }
  const expires = query.get('X-Amz-Expires') ?? ''
  if (!/^\d+$/.test(expires) || Number(expires) > MAX_EXPIRY_SECONDS) {
    throw new SignatureError('malformed', `X-Amz-Expires must be less than a week (in seconds) that is ${MAX_EXPIRY_SECONDS}`)
  }
  return {
    ...readScope(query.get('X-Amz-Credential') ?? ''),
    signedHeaders: (query.get('X-Amz-SignedHeaders') ?? '').split(';'),
    signature: query.get('X-Amz-Signature') ?? '',
    date: query.get('X-Amz-Date') ?? '',
    expiresInSeconds: Number(expires),
    sessionToken: query.get('X-Amz-Security-Token'),
  }
}

function readHeaderClaim(header: string, headers: SignedRequest['headers']): SignatureClaim {
  const match = /^AWS4-HMAC-SHA256\s+Credential=([^,\s]+),\s*SignedHeaders=([^,\s]+),\s*Signature=([0-9a-f]+)$/.exec(header)
  if (!match) throw new SignatureError('malformed', 'The authorization header is malformed')
  const [, scope = '', signedHeaders = '', signature = ''] = match
  return {
    ...readScope(scope),
    signedHeaders: signedHeaders.split(';'),
    signature,
    date: headers['x-amz-date'] ?? '',
    expiresInSeconds: null,
    sessionToken: headers['x-amz-security-token'] ?? null,
  }
}

function readScope(text: string): Pick<SignatureClaim, 'accessKeyId' | 'day' | 'region' | 'service'> {
  const [accessKeyId, day, region, service, end, ...more] = text.split('/')
  if (!accessKeyId || !day || !region || !service || end !== 'aws4_request' || more.length > 0) {
    throw new SignatureError('malformed', 'the credential is malformed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request"')
  }
  return {accessKeyId, day, region, service}
}

/** Throws a SignatureError unless who made the claim knows the key's secret and the request is as it was signed. */
export function verifySignature(request: SignedRequest, claim: SignatureClaim, key: SigningKey | undefined, now: Date): void {
  // The key of temporary credentials is none without its token.
  if (!key || (key.sessionToken !== null && claim.sessionToken === null)) {
    throw new SignatureError('unknown-key', 'The AWS Access Key Id you provided does not exist in our records.')
  }
  checkTime(claim, now)
  if (claim.sessionToken !== key.sessionToken) throw new SignatureError('unknown-token', 'The provided token is malformed or otherwise invalid.')
  if (key.expiresAt !== null && key.expiresAt <= now) throw new SignatureError('expired-token', 'The provided token has expired.')
  checkSignedHeaders(request, claim)
  const expected = Buffer.from(signatureOf(request, claim, key.secret))
  const given = Buffer.from(claim.signature)
  if (expected.length !== given.length || !timingSafeEqual(expected, given)) {
    throw new SignatureError(
      'mismatch',
      'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
    )
  }
  const declared = request.headers['x-amz-content-sha256']
  if (claim.expiresInSeconds === null && declared !== undefined && /^[0-9a-f]{64}$/.test(declared) && declared !== sha256(request.body)) {
    throw new SignatureError('body-mismatch', "The provided 'x-amz-content-sha256' header does not match what was computed.")
  }
}

function checkTime({date, day, expiresInSeconds}: SignatureClaim, now: Date): void {
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(date)
  if (!parts || !date.startsWith(day)) throw new SignatureError('malformed', 'AWS authentication requires a valid Date or x-amz-date header')
  const [year = 0, month = 0, ...rest] = parts.slice(1).map(Number)
  const signedAt = Date.UTC(year, month - 1, ...rest)
  if (expiresInSeconds === null) {
    if (Math.abs(now.getTime() - signedAt) <= MAX_SKEW_MS) return
    throw new SignatureError('skewed', 'The difference between the request time and the current time is too large.')
  }
  if (signedAt - now.getTime() > MAX_SKEW_MS) throw new SignatureError('expired-url', 'Request is not valid yet')
  if (now.getTime() > signedAt + expiresInSeconds * 1000) throw new SignatureError('expired-url', 'Request has expired')
}

function checkSignedHeaders({headers}: SignedRequest, {signedHeaders, expiresInSeconds}: SignatureClaim): void {
  const unsigned = Object.keys(headers).find((name) => name.startsWith('x-amz-') && !signedHeaders.includes(name))
  const lacking = signedHeaders.includes('host') ? unsigned : 'host'
  // Only S3 takes presigned URLs, and it lets unsigned headers pass there where they say nothing of the request's meaning.
  const harmless = expiresInSeconds !== null && lacking === 'x-amz-content-sha256'
  if (lacking !== undefined && !harmless) throw new SignatureError('mismatch', `There were headers present in the request which were not signed: ${lacking}`)
}

/** The signature that a request of this claim must bear. */
export function signatureOf(request: SignedRequest, claim: SignatureClaim, secret: string): string {
  const scope = `${claim.day}/${claim.region}/${claim.service}/aws4_request`
  const text = ['AWS4-HMAC-SHA256', claim.date, scope, sha256(canonicalRequest(request, claim))].join('\n')
  const key = [claim.day, claim.region, claim.service, 'aws4_request'].reduce<Buffer>((parent, part) => hmac(parent, part), Buffer.from(`AWS4${secret}`))
  return hmac(key, text).toString('hex')
}

function canonicalRequest(request: SignedRequest, claim: SignatureClaim): string {
  const {headers} = request
  const query = [...request.query]
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => [encode(name), encode(value)] as const)
    .sort(([nameA, valueA], [nameB, valueB]) => compare(nameA, nameB) || compare(valueA, valueB))
    .map(([name, value]) => `${name}=${value}`)
  const signed = claim.signedHeaders.map((name) => `${name}:${(headers[name] ?? '').trim().replaceAll(/ +/g, ' ')}\n`)
  return [request.method, canonicalPath(request.path, claim.service), query.join('&'), signed.join(''), claim.signedHeaders.join(';'), bodyHash(request, claim)].join('\n')
}

/** S3 signs the path encoded once, every other service signs the encoded path encoded again. */
function canonicalPath(path: string, service: string): string {
  const encodeSegments = (text: string) => text.split('/').map(encode).join('/')
  if (service !== 's3') return encodeSegments(path)
  try {
    return encodeSegments(decodeURIComponent(path))
  } catch {
    throw new SignatureError('malformed', "Couldn't parse the specified URI.")
  }
}

function bodyHash({headers, body}: SignedRequest, claim: SignatureClaim): string {
  const declared = headers['x-amz-content-sha256']
  if (claim.expiresInSeconds !== null) return claim.signedHeaders.includes('x-amz-content-sha256') ? (declared ?? '') : 'UNSIGNED-PAYLOAD'
  return declared ?? sha256(body)
}

function encode(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`)
}

/** Both are ASCII. */
function compare(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}

function sha256(data: Buffer | string): string {
  return createHash('sha256').update(data).digest('hex')
}

function hmac(key: Buffer, data: string): Buffer {
  return createHmac('sha256', key).update(data).digest()
}
