import {basename} from 'node:path'

/** A name that is the same on every file system and in every shell, tag and bucket key. */
export const PROJECT_NAME_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/
export const PROJECT_NAME_RULE = 'letters, digits, ".", "_" and "-", beginning with a letter or digit, at most 63 characters'

/** The name of a folder, made plain: `/home/eva/My Nets (2)` becomes `My-Nets-2`. */
export function projectNameOfFolder(folder: string): string {
  const plain = basename(folder)
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, 63)
    .replace(/[^A-Za-z0-9]+$/, '')
  return plain === '' ? 'project' : plain
}
