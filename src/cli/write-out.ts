/** Whoever read standard output has left: `| head`, a pager that was quit. */
export class ReaderGone extends Error {
  constructor(cause: unknown) {
    super('nobody reads the output any more', {cause})
    this.name = 'ReaderGone'
  }
}

/** Standard output takes nothing more: a full disk, a file system that went away. */
export class OutputFailed extends Error {
  constructor(cause: unknown) {
    super('the output cannot be written', {cause})
    this.name = 'OutputFailed'
  }
}

export const isReaderGone = ({code}: NodeJS.ErrnoException): boolean => ['EPIPE', 'ERR_STREAM_DESTROYED'].includes(code ?? '')

/**
 * Writes to standard output and resolves when it is taken, so that a log larger than the memory can go through a slow pipe. Rejects with
 * {@link ReaderGone} or {@link OutputFailed}, or with the signal's reason. After an abort nothing is waited for.
 */
export function writeOut(data: string | Uint8Array, signal: AbortSignal): Promise<void> {
  if (data.length === 0) return Promise.resolve()
  if (signal.aborted) {
    process.stdout.write(data)
    return Promise.resolve()
  }
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason)
    signal.addEventListener('abort', onAbort, {once: true})
    process.stdout.write(data, (error: NodeJS.ErrnoException | null | undefined) => {
      signal.removeEventListener('abort', onAbort)
      if (!error) resolve()
      else reject(isReaderGone(error) ? new ReaderGone(error) : new OutputFailed(error))
    })
  })
}
