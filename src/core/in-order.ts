/**
 * All sources at once, each at most one element ahead of what is used; what comes out is in the order of the sources. Who stops early ends the
 * sources: an element that is under way then is not waited for.
 */
export async function* inOrder<T>(sources: readonly AsyncIterable<T>[]): AsyncGenerator<T, void, undefined> {
  const running = sources.map(source => {
    const elements = source[Symbol.asyncIterator]()
    return {elements, next: begun(elements)}
  })
  try {
    for (const one of running) {
      for (;;) {
        const result = await one.next
        if (result.done === true) break
        one.next = begun(one.elements)
        yield result.value
      }
    }
  } finally {
    for (const {elements} of running) elements.return?.()?.catch(() => undefined)
  }
}

/** In groups of `size`; the last one may be smaller, none is empty. */
export async function* inPages<T>(elements: AsyncIterable<T>, size: number): AsyncGenerator<readonly T[], void, undefined> {
  let page: T[] = []
  for await (const element of elements) {
    page.push(element)
    if (page.length < size) continue
    yield page
    page = []
  }
  if (page.length > 0) yield page
}

/** Its failure is told when somebody waits for it, not before. */
function begun<T>(elements: AsyncIterator<T>): Promise<IteratorResult<T>> {
  const next = elements.next()
  next.catch(() => undefined)
  return next
}
