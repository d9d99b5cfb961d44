/** The JSON protocol of SSM, Pricing and Service Quotas: the operation in `X-Amz-Target`, a document each way. */

import {randomUUID} from 'node:crypto'

import {ServiceError, type WireRequest, type WireResponse} from './types.js'

export function jsonAnswer(value: unknown): WireResponse {
  return {status: 200, headers: jsonHeaders(), body: JSON.stringify(value)}
}

export function jsonFailure(error: ServiceError): WireResponse {
  return {status: error.status, headers: jsonHeaders(), body: JSON.stringify({__type: error.code, message: error.message})}
}

/** @throws ServiceError SerializationException */
export function jsonInput(request: Pick<WireRequest, 'body'>): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(request.body.toString() || '{}')
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  } catch {}
  throw new ServiceError('SerializationException', 'The body is no JSON object')
}

function jsonHeaders(): Record<string, string> {
  return {'content-type': 'application/x-amz-json-1.1', 'x-amzn-requestid': randomUUID()}
}
