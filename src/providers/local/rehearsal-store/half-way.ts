/** What happens when a body is half there. A rejection cuts the upload off: nothing of it is kept. */
export type AtHalf = () => Promise<void>

/** At most one upload is to be held at its middle. */
export class HalfWay {
  private wanted: {readonly bytes: number; readonly then: (uri: string) => Promise<void>} | null = null

  once(bytes: number, then: (uri: string) => Promise<void>): void {
    this.wanted = {bytes, then}
  }

  /** For a body that begins to arrive; whether it is the one is decided in its middle, so that of two the first to be there is held. */
  forUpload(uri: string, bytes: number): AtHalf {
    return async () => {
      const {wanted} = this
      if (wanted === null || bytes < wanted.bytes) return
      this.wanted = null
      await wanted.then(uri)
    }
  }
}
