/** JSON documents, one a line, from a stream. */

import type {Readable} from 'node:stream'

export type Message = Readonly<Record<string, unknown>>

export function onMessages(stream: Readable, listener: (message: Message) => void): void {
  let parts: Buffer[] = []
  stream.on('data', (chunk: Buffer) => {
    let rest = chunk
    for (let end = rest.indexOf(10); end !== -1; end = rest.indexOf(10)) {
      const line = Buffer.concat([...parts, rest.subarray(0, end)]).toString('utf8')
      parts = []
      rest = rest.subarray(end + 1)
      listener(JSON.parse(line) as Message)
    }
    if (rest.length > 0) parts.push(rest)
  })
}
