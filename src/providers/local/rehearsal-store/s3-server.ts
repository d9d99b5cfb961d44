/** As much of S3 as the agent's uploader and downloader use, path style, on this machine alone. */
import {createServer, type IncomingMessage, type Server, type ServerResponse} from 'node:http'
import type {AddressInfo} from 'node:net'

import type {HalfWay, AtHalf} from './half-way.js'
import {abortUpload, beginUpload, completeUpload, listParts} from './multipart.js'
import type {Door} from './door.js'
import {putContent} from './put-content.js'
import {listObjects, readObject} from './read-objects.js'
import {S3Refusal, sendRefusal} from './s3-answer.js'
import type {StoredObjects} from './stored-objects.js'

export interface S3Request {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** Without the bucket; empty for the bucket itself. */
  readonly key: string
  readonly query: URLSearchParams
  readonly objects: StoredObjects
  readonly atHalf: (bytes: number) => AtHalf
}

export interface S3ServerParts {
  readonly bucket: string
  readonly door: Door
  readonly halfWay: HalfWay
  readonly objects: StoredObjects
}

/** Listens on a port of the loopback interface that is free, and nowhere else. */
export async function startS3Server(parts: S3ServerParts): Promise<{readonly port: number; readonly server: Server}> {
  const server = createServer((request, response) => {
    answer(request, response, parts).catch((error: unknown) => {
      if (error instanceof S3Refusal && !response.headersSent) return sendRefusal(response, error, request.method === 'HEAD')
      // Cut off on purpose, or the other side is gone: there is nobody to tell.
      request.socket.destroy()
    })
  })
  // An upload may be held for as long as it takes to end an instance.
  server.requestTimeout = 0
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  return {port: (server.address() as AddressInfo).port, server}
}

async function answer(request: IncomingMessage, response: ServerResponse, {bucket, door, halfWay, objects}: S3ServerParts): Promise<void> {
  const [path = '', search = ''] = (request.url ?? '').split(/\?(.*)/s)
  const place = door.admit(request.method ?? '', path)
  const [name = '', ...rest] = place === null ? [] : place.split('/')
  if (place === null) throw new S3Refusal(403, 'AccessDenied', 'this is no address of the store')
  if (name !== bucket) throw new S3Refusal(404, 'NoSuchBucket', 'there is no such bucket')
  const key = rest.join('/')
  const atHalf = (bytes: number): AtHalf => halfWay.forUpload(`s3://${bucket}/${key}`, bytes)
  await route({request, response, key, query: new URLSearchParams(search), objects, atHalf})
}

async function route(from: S3Request): Promise<void> {
  const {key, query, request} = from
  const ofUpload = query.has('uploadId')
  switch (request.method) {
    case 'DELETE':
      if (ofUpload) return abortUpload(from)
      break
    case 'GET':
      if (key === '') return listObjects(from)
      return ofUpload ? listParts(from) : readObject(from)
    case 'HEAD':
      return readObject(from)
    case 'POST':
      if (query.has('uploads')) return beginUpload(from)
      if (ofUpload) return completeUpload(from)
      break
    case 'PUT':
      return putContent(from)
    default:
  }
  throw new S3Refusal(501, 'NotImplemented', 'a rehearsal needs no such request')
}
