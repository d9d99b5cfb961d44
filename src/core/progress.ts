/** What a use-case says while it works. Renderers consume it; tests record it in an array. */
export type ProgressEvent =
  | {readonly type: 'note'; readonly message: string}
  | {readonly type: 'step'; readonly id: string; readonly title: string}
  | {readonly type: 'step-done'; readonly id: string; readonly detail?: string}
  | {readonly type: 'step-failed'; readonly id: string; readonly detail?: string}
  | {readonly type: 'warning'; readonly message: string}

export interface Progress {
  emit(event: ProgressEvent): void
  /** Leaves the terminal to something else, such as a followed log; resolves when nothing is drawn any more. */
  pause(): Promise<void>
}

/** Runs `work` as one step: announced, then done (with what `detail` says of its result) or failed. */
export async function step<T>(progress: Progress, id: string, title: string, work: () => Promise<T>, detail?: (result: T) => string | undefined): Promise<T> {
  progress.emit({type: 'step', id, title})
  try {
    const result = await work()
    const text = detail?.(result)
    progress.emit(text === undefined ? {type: 'step-done', id} : {type: 'step-done', id, detail: text})
    return result
  } catch (error) {
    progress.emit({type: 'step-failed', id})
    throw error
  }
}
