import {open, rename, rm} from 'node:fs/promises'

import {RunctlError} from '../model/errors.js'
import type {PagedText} from '../ui/paged-text.js'

/**
 * Writes pages into a file while they go by. The file has its name when it is whole, and not before: what was there stays until then. Rejects
 * with `bad_input` where it cannot be written.
 */
export async function* exporting<R>(pages: AsyncIterable<readonly R[]>, form: PagedText<R>, file: string): AsyncGenerator<readonly R[], void, undefined> {
  const partial = `${file}.${process.pid}.part`
  const orSay = async <T>(work: Promise<T>): Promise<T> =>
    work.catch((error: unknown) => {
      throw new RunctlError('bad_input', `${file} cannot be written: ${(error as Error).message}`, {cause: error})
    })
  const handle = await orSay(open(partial, 'w'))
  try {
    await orSay(handle.appendFile(form.begin()))
    for await (const page of pages) {
      await orSay(handle.appendFile(form.page(page)))
      yield page
    }
    await orSay(handle.appendFile(form.end()))
    await orSay(handle.close())
    await orSay(rename(partial, file))
  } finally {
    await handle.close().catch(() => undefined)
    await rm(partial, {force: true})
  }
}
