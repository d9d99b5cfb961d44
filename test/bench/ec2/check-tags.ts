/** The rules for tags. */

import type {Tag} from '@aws-sdk/client-ec2'

import {ServiceError} from '../types.js'

const MAX_TAGS = 50
const MAX_KEY = 128
const MAX_VALUE = 256

/** @throws ServiceError unless these may be put on a resource that has `present`. */
export function checkTags(tags: readonly Tag[], present: ReadonlyMap<string, string> = new Map()): void {
  for (const {Key = '', Value = ''} of tags) {
    if (Key === '') throw new ServiceError('InvalidParameterValue', 'Tag key cannot be empty')
    if (/^aws:/i.test(Key)) throw new ServiceError('InvalidParameterValue', "Tag keys starting with 'aws:' are reserved for internal use")
    if (Key.length > MAX_KEY) throw new ServiceError('InvalidParameterValue', `Tag key exceeds the maximum length of ${MAX_KEY} characters`)
    if (Value.length > MAX_VALUE) throw new ServiceError('InvalidParameterValue', `Tag value exceeds the maximum length of ${MAX_VALUE} characters`)
  }
  if (new Set(tags.map(({Key}) => Key)).size < tags.length) throw new ServiceError('InvalidParameterValue', 'Duplicate tag keys specified')
  const all = new Set([...present.keys(), ...tags.map(({Key}) => Key ?? '')])
  if (all.size > MAX_TAGS) throw new ServiceError('TagLimitExceeded', 'The maximum number of Tags for a resource has been reached.')
}
