/** Work of which several pieces are under way at once, whatever their order. */
export class InFlight {
  private readonly running = new Set<Promise<void>>()
  private failure: {readonly error: unknown} | null = null

  constructor(private readonly limit: number) {}

  /** Begins the work as soon as there is room. Rejects with the failure of an earlier one, and begins nothing then. */
  async add(work: () => Promise<unknown>): Promise<void> {
    while (this.running.size >= this.limit && this.failure === null) await Promise.race(this.running)
    if (this.failure) return this.done()
    const one: Promise<void> = work().then(
      () => void this.running.delete(one),
      (error: unknown) => {
        this.running.delete(one)
        this.failure ??= {error}
      },
    )
    this.running.add(one)
  }

  /** Nothing is under way any more when it settles; rejects with the first failure. */
  async done(): Promise<void> {
    await Promise.all(this.running)
    if (this.failure) throw this.failure.error
  }
}
