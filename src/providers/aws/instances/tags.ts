import {RunctlError} from '../../../model/errors.js'

/** What EC2 takes on one resource. */
const MOST_TAGS = 50

/** Throws `bad_input` for tags that EC2 would refuse. */
export function checkTags(tags: Readonly<Record<string, string>>): void {
  const entries = Object.entries(tags)
  if (entries.length > MOST_TAGS) throw new RunctlError('bad_input', `${entries.length} tags are more than the ${MOST_TAGS} that an instance can have`)
  for (const [key, value] of entries) {
    const name = JSON.stringify(key.slice(0, 140))
    if (key === '' || [...key].length > 128) throw new RunctlError('bad_input', `a tag's key has 1 to 128 characters: ${name}`)
    if (/^aws:/i.test(key)) throw new RunctlError('bad_input', `tags that begin with aws: are AWS's own: ${name}`)
    if ([...value].length > 256) throw new RunctlError('bad_input', `the value of tag ${name} has more than 256 characters`)
  }
}

/** In one order, so that equal tags look equal. */
export const asTagList = (tags: Readonly<Record<string, string>>): {Key: string; Value: string}[] =>
  Object.entries(tags)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([Key, Value]) => ({Key, Value}))
