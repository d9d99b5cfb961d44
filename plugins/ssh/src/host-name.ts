/** A host as `ssh` takes it: an alias of its configuration, or `user@name`. Never an option, and nothing that a shell or a path would read otherwise. */
const HOST = /^[A-Za-z0-9_][A-Za-z0-9._-]*(?:@[A-Za-z0-9_][A-Za-z0-9._-]*)?$/
const MAX_LENGTH = 200

export function isHostName(text: string): boolean {
  return text.length <= MAX_LENGTH && HOST.test(text)
}
