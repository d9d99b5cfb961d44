import {isRunctlError} from '../model/errors.js'

/** For what a command can do without: null where it is refused or not answered. What is no refusal (Ctrl-C, a bug) goes on. */
export async function orUnknown<T>(ask: () => Promise<T | null | undefined> | undefined): Promise<T | null> {
  try {
    return (await ask()) ?? null
  } catch (error) {
    if (isRunctlError(error)) return null
    throw error
  }
}
