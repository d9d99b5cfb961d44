/** STS: who a key belongs to. */

import * as model from '@aws-sdk/client-sts'

import {QueryService} from './query-protocol.js'
import type {World} from './world.js'

export function createSts(world: World): QueryService {
  return new QueryService({
    name: 'sts',
    model: {...model},
    handlers: {GetCallerIdentity: (_input, {principal}) => ({UserId: principal?.userId, Account: world.account, Arn: principal?.arn})},
  })
}
