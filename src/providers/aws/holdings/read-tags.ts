import type {Tag} from '@aws-sdk/client-ec2'

/** Tags as they are kept here, and the name that the user gave. */
export function readTags(list: readonly Tag[] | undefined): {readonly name: string | null; readonly tags: Readonly<Record<string, string>>} {
  const tags = Object.fromEntries((list ?? []).map(({Key, Value}) => [Key ?? '', Value ?? '']))
  return {name: tags['Name'] ?? null, tags}
}
