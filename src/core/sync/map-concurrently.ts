/** The results in the order of the items; at most `limit` at work at a time. The first failure ends it, once what runs has ended. */
export async function mapConcurrently<T, R>(items: readonly T[], limit: number, work: (item: T) => Promise<R>): Promise<R[]> {
  const results = new Array<R>(items.length)
  let next = 0
  let failed = false
  const worker = async (): Promise<void> => {
    while (next < items.length && !failed) {
      const index = next++
      try {
        results[index] = await work(items[index] as T)
      } catch (error) {
        failed = true
        throw error
      }
    }
  }
  const workers = await Promise.allSettled(Array.from({length: Math.min(limit, items.length)}, worker))
  for (const one of workers) if (one.status === 'rejected') throw one.reason
  return results
}
