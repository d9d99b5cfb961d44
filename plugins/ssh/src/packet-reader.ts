type Code = 'bad_input' | 'not_found' | 'platform_failed' | 'wrong_state'

export interface Refusal {
  readonly code: Code
  readonly message: string
  readonly details: Readonly<Record<string, unknown>>
}

const HEAD_BYTES = 5
/** The first packet. What stands before it was printed by the host's login shell. */
const GREETING = Buffer.from([0x68, 0, 0, 0, 0])
/** More than that is no shell's greeting any more. */
const MAX_NOISE_BYTES = 1 << 20

/** What host/host.py sends: packets of a letter, four bytes of length (big endian), and the content. */
export class PacketReader {
  greeted = false
  /** The answer, and what was said before a machine went down; null: not yet. */
  value: Readonly<Record<string, unknown>> | null = null
  interim: Readonly<Record<string, unknown>> | null = null
  refusal: Refusal | null = null
  #rest: Buffer = Buffer.alloc(0)
  #bytes = 0
  readonly #output: Readonly<Record<'e' | 'o', Buffer[]>> = {e: [], o: []}

  constructor(
    private readonly mostBytes: number,
    private readonly onGreeting: () => void,
  ) {}

  get stdout(): Uint8Array {
    return Buffer.concat(this.#output.o)
  }

  get stderr(): Uint8Array {
    return Buffer.concat(this.#output.e)
  }

  take(chunk: Buffer): void {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    if (!this.greeted && !this.#greet()) return
    while (this.value === null && this.#rest.length >= HEAD_BYTES) {
      const length = this.#rest.readUInt32BE(1)
      if (this.#rest.length < HEAD_BYTES + length) return
      this.#packet(String.fromCharCode(this.#rest[0] ?? 0), this.#rest.subarray(HEAD_BYTES, HEAD_BYTES + length))
      this.#rest = this.#rest.subarray(HEAD_BYTES + length)
    }
  }

  #greet(): boolean {
    const at = this.#rest.indexOf(GREETING)
    if (at === -1) {
      if (this.#rest.length > MAX_NOISE_BYTES) this.#rest = this.#rest.subarray(-GREETING.length)
      return false
    }
    this.#rest = this.#rest.subarray(at + GREETING.length)
    this.greeted = true
    this.onGreeting()
    return true
  }

  #packet(kind: string, content: Buffer): void {
    if (kind === 'o' || kind === 'e') {
      // The host ends what prints too much; this is for a host that does not.
      this.#bytes += content.length
      if (this.#bytes <= 2 * this.mostBytes + HEAD_BYTES) this.#output[kind].push(Buffer.from(content))
      return
    }
    const value = JSON.parse(content.toString('utf8')) as Readonly<Record<string, unknown>>
    if (kind === 'm') this.interim = value
    if (kind !== 'x') return
    this.value = value
    this.refusal = (value['refused'] as Refusal | undefined) ?? null
  }
}
