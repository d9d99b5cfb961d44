import {isRunctlError} from '../../../model/errors.js'
import {orAborted} from '../call-aws.js'

/** Questions by name: one call for all who want the same. A failure counts as an answer (`failed`), an abort does not. */
export class AskedOnce<T> {
  private readonly answers = new Map<string, Promise<T>>()

  constructor(private readonly failed: T) {}

  async get(question: string, ask: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    const answer = this.answers.get(question) ?? ask().catch((error: unknown) => {
      if (isRunctlError(error)) return this.failed
      this.answers.delete(question)
      throw error
    })
    this.answers.set(question, answer)
    return signal ? orAborted(answer, signal) : answer
  }
}
