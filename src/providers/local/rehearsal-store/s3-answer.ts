import type {ServerResponse} from 'node:http'

/** What is refused, as S3 says it. */
export class S3Refusal extends Error {
  constructor(
    readonly status: number,
    /** `NoSuchKey`, `BadDigest` */
    readonly reason: string,
    message: string,
  ) {
    super(message)
  }
}

const SPECIAL: Readonly<Record<string, string>> = {'&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;'}

export const element = (name: string, value: number | string): string =>
  `<${name}>${String(value).replaceAll(/[&<>"]/g, letter => SPECIAL[letter] ?? letter)}</${name}>`

export function sendXml(response: ServerResponse, root: string, content: string, status = 200): void {
  const body = Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>\n<${root} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${content}</${root}>`)
  response.writeHead(status, {'content-type': 'application/xml', 'content-length': body.length}).end(body)
}

export function sendRefusal(response: ServerResponse, {message, reason, status}: S3Refusal, isHead: boolean): void {
  if (isHead) response.writeHead(status).end()
  else sendXml(response, 'Error', element('Code', reason) + element('Message', message), status)
}
