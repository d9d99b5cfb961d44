import type {ShellRequest, ShellResult} from '../../provider.js'

/** One call of the shell: what was asked, and the promise that its caller holds. */
export class ShellJob {
  readonly result: Promise<ShellResult>
  readonly stdin: Uint8Array
  settled = false
  /** Called when the caller has given up: takes the command back, where one is on its way. */
  onAbort: () => void = () => undefined
  #resolve: (result: ShellResult) => void = () => undefined
  #reject: (error: unknown) => void = () => undefined

  constructor(
    readonly instanceId: string,
    readonly request: ShellRequest,
  ) {
    this.stdin = request.stdin ?? new Uint8Array()
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    const {signal} = request
    const giveUp = (): void => {
      if (this.settled) return
      this.reject(signal?.reason)
      this.onAbort()
    }
    signal?.addEventListener('abort', giveUp, {once: true})
    const stopListening = (): void => signal?.removeEventListener('abort', giveUp)
    this.result.then(stopListening, stopListening)
  }

  resolve(result: ShellResult): void {
    this.settled = true
    this.#resolve(result)
  }

  reject(error: unknown): void {
    this.settled = true
    this.#reject(error)
  }
}
