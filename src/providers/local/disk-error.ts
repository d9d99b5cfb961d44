import {RunctlError} from '../../model/errors.js'

/** What a disk may answer without anybody's mistake in the code. Other errors pass unchanged. */
const EXPLAINED: Readonly<Record<string, string>> = {
  EACCES: 'access to the files of the platform local is refused',
  EBUSY: 'a file of the platform local is in use',
  EDQUOT: 'the disk quota is used up',
  EIO: 'the disk reports an error',
  ENOSPC: 'the disk is full',
  EPERM: 'a change to the files of the platform local is refused',
  EROFS: 'the disk is read-only',
}

/** Throws always: `platform_failed` where it is the disk that refused. */
export function rethrowDiskError(error: unknown): never {
  const {code, path} = (error ?? {}) as NodeJS.ErrnoException
  const explained = error instanceof Error && code !== undefined ? EXPLAINED[code] : undefined
  if (explained === undefined) throw error
  const message = path === undefined ? explained : `${explained}: ${path}`
  throw new RunctlError('platform_failed', message, {details: {code, path: path ?? null}, cause: error})
}

export function isFullDisk(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException | null)?.code ?? '')
}
