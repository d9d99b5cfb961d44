/** What came of one attempt. `status` null: no answer. */
export interface Attempt {
  readonly outcome: 'delivered' | 'refused' | 'retry'
  readonly status: number | null
  /** A few words, without the address: `HTTP 503`, `connection refused`. */
  readonly why: string
  /** Asked for by the server. */
  readonly retryAfterMs: number | null
}

export const ANSWER_MS = 10_000
const RETRY_STATUSES = [408, 425, 429]

/** Never rejects. */
export async function post(url: string, body: string, id: string, now = Date.now, answerMs = ANSWER_MS): Promise<Attempt> {
  try {
    const {origin, password, pathname, search, username} = new URL(url)
    const login = username === '' && password === '' ? {} : {authorization: `Basic ${Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')}`}
    const response = await fetch(`${origin}${pathname}${search}`, {
      method: 'POST',
      headers: {'content-type': 'application/json', 'idempotency-key': id, 'user-agent': 'runctl-plugin-notify', ...login},
      body,
      // What is sent to a secret address goes nowhere else.
      redirect: 'manual',
      signal: AbortSignal.timeout(answerMs),
    })
    await response.body?.cancel().catch(() => undefined)
    return judge(response.status, response.headers.get('retry-after'), now())
  } catch (error) {
    return {outcome: 'retry', status: null, why: reasonOf(error), retryAfterMs: null}
  }
}

function judge(status: number, retryAfter: string | null, now: number): Attempt {
  const common = {status, why: `HTTP ${status}`, retryAfterMs: waitOf(retryAfter, now)}
  if (status >= 200 && status < 300) return {...common, outcome: 'delivered'}
  return {...common, outcome: status >= 500 || RETRY_STATUSES.includes(status) ? 'retry' : 'refused'}
}

/** Seconds, or a date. */
function waitOf(text: string | null, now: number): number | null {
  if (text === null) return null
  if (/^\d+$/.test(text.trim())) return Number(text) * 1000
  const at = Date.parse(text)
  return Number.isNaN(at) ? null : Math.max(0, at - now)
}

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection lost',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'the name of the host cannot be looked up',
  UND_ERR_CONNECT_TIMEOUT: 'no answer in time',
}

/** By codes alone: a message might hold the address. */
function reasonOf(error: unknown): string {
  const {cause, name} = error as {readonly cause?: {readonly code?: unknown}; readonly name?: unknown}
  if (name === 'TimeoutError') return 'no answer in time'
  const code = typeof cause?.code === 'string' && /^[A-Z0-9_]+$/.test(cause.code) ? cause.code : null
  return code === null ? 'the connection failed' : (WORDS[code] ?? code)
}
