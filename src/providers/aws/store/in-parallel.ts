/**
 * `work` for each item, at most `limit` at a time. After the first failure the signal that `work` gets is aborted and nothing new begins;
 * rejects with that failure once everything under way has ended.
 */
export async function inParallel<T, R>(
  items: readonly T[],
  options: {readonly limit: number; readonly signal?: AbortSignal | undefined},
  work: (item: T, signal: AbortSignal) => Promise<R>,
): Promise<readonly R[]> {
  const stop = new AbortController()
  const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal
  const results: R[] = []
  let failure: {readonly error: unknown} | null = null
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < items.length && !signal.aborted) {
      const index = next++
      try {
        results[index] = await work(items[index] as T, signal)
      } catch (error) {
        failure ??= {error}
        stop.abort(error)
      }
    }
  }
  await Promise.all(Array.from({length: Math.min(options.limit, items.length)}, worker))
  options.signal?.throwIfAborted()
  if (failure) throw (failure as {readonly error: unknown}).error
  return results
}
