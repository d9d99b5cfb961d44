import {RunctlError} from '../../model/errors.js'
import {showName} from './show-name.js'

/** A file is not what it was when it was looked at; whoever began with it may look again once. */
export class FileChangedError extends Error {
  constructor(readonly path: string) {
    super(`${path} has changed since it was looked at`)
  }
}

/** Once more from the start if a file changed under way; `verification_failed` if one changes again. `changed` is the first one. */
export async function retryOnChange<T>(work: (changed: string | null) => Promise<T>): Promise<T> {
  try {
    return await work(null)
  } catch (error) {
    if (!(error instanceof FileChangedError)) throw error
    try {
      return await work(error.path)
    } catch (again) {
      throw again instanceof FileChangedError ? keepsChanging(again.path) : again
    }
  }
}

function keepsChanging(path: string): RunctlError {
  return new RunctlError('verification_failed', `${showName(path)} keeps changing while it is read, so no whole copy of it could be sent`, {
    next: [`wait until it is written, or leave it out with a line in .runctlignore`],
    details: {path},
  })
}
