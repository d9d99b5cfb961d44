import {createHash} from 'node:crypto'

import {RunctlError} from '../../../model/errors.js'
import {TAGS, type Instance} from '../../../model/instance.js'
import {Batcher} from '../batcher.js'
import type {InstanceDescriber} from './describe-instances.js'

/** The most values of one filter. */
const MOST_REQUESTS = 200

/** Throws `bad_input`: EC2 takes at most 64 ASCII characters. */
export function checkRequestId(requestId: string): void {
  if (!/^[\x21-\x7e]{1,64}$/.test(requestId)) throw new RunctlError('bad_input', 'a request id has 1 to 64 ASCII characters and no blanks')
}

/**
 * The idempotency token of one attempt: the request's own for the first one, so that a repetition meets the same instance. Another attempt
 * follows only a refusal, and has a token that the same attempt would get again.
 */
export function clientToken(requestId: string, attempt: {readonly isFirst: boolean; readonly subnet: string | null; readonly spot: boolean}): string {
  if (attempt.isFirst) return requestId
  return createHash('sha256').update(JSON.stringify([requestId, attempt.subnet, attempt.spot])).digest('hex')
}

/** Instances by the request that made them: whatever attempt it was, and also after the token would no longer match. */
export class CreateRequests {
  private readonly batcher: Batcher<string, Instance | null>

  constructor(describer: InstanceDescriber) {
    this.batcher = new Batcher(MOST_REQUESTS, async (requestIds, signal) => {
      const found = new Map<string, Instance>()
      for await (const instance of describer.withTagValues(TAGS.createRequest, [...new Set(requestIds)], signal)) {
        const requestId = instance.tags[TAGS.createRequest] ?? ''
        if (!found.has(requestId) || instance.state !== 'terminated') found.set(requestId, instance)
      }
      return requestIds.map(requestId => ({value: found.get(requestId) ?? null}))
    })
  }

  find(requestId: string, signal: AbortSignal | undefined): Promise<Instance | null> {
    return this.batcher.add(requestId, signal)
  }
}
