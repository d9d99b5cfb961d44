import {createHmac, randomBytes, timingSafeEqual} from 'node:crypto'

/**
 * Who may do what. Nobody signs requests: who knows the secret in the address may do all; a grant is an address for one method and one object.
 * Others on this machine, and pages in a browser, know neither.
 */
export class Door {
  private readonly secret = randomBytes(24).toString('base64url')

  constructor(private readonly now: () => Date) {}

  /** The path below which everything is open. */
  get path(): string {
    return `/${this.secret}`
  }

  grant(method: string, place: string, expiresInSeconds: number): string {
    const until = Math.ceil(this.now().getTime() / 1000) + expiresInSeconds
    return `/grant/${method}-${until}-${this.mark(method, place, until)}/${encodePlace(place)}`
  }

  /** `bucket/key`, decoded, of a path as it came; null where it is not to be let in. */
  admit(method: string, path: string): string | null {
    const [, grant, rest = ''] = /^\/grant\/([^/]+)\/(.*)$/s.exec(path) ?? []
    if (grant === undefined) return path.startsWith(`${this.path}/`) ? decodePlace(path.slice(this.path.length + 1)) : null
    const [allowed = '', until = '', mark = ''] = grant.split('-')
    const place = decodePlace(rest)
    const isMeant = allowed === method && Number(until) * 1000 >= this.now().getTime()
    return isMeant && place !== null && isSame(mark, this.mark(method, place, Number(until))) ? place : null
  }

  private mark(method: string, place: string, until: number): string {
    return createHmac('sha256', this.secret).update(JSON.stringify([method, until, place])).digest('hex')
  }
}

const isSame = (a: string, b: string): boolean => a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b))
const encodePlace = (place: string): string => place.split('/').map(encodeURIComponent).join('/')

function decodePlace(path: string): string | null {
  try {
    return decodeURIComponent(path)
  } catch {
    return null
  }
}
