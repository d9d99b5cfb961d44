import type {StepContext} from 'runctl'

export const EVENTS = ['posttrain', 'interrupted', 'limit-reached', 'checkpoint-saved', 'poststop', 'postterminate'] as const
export type NotifyEvent = (typeof EVENTS)[number]
export const FORMATS = ['json', 'slack'] as const
export type Format = (typeof FORMATS)[number]

export interface NotifySettings {
  /** A secret: never shown; of it, the host alone may be. */
  readonly url: string
  readonly format: Format
  readonly events: readonly NotifyEvent[]
  readonly checkpointGapMs: number
  readonly retryForMs: number
}

const DEFAULT_EVENTS: readonly NotifyEvent[] = ['posttrain', 'interrupted', 'limit-reached']
const CHECKPOINT_GAP_MS = 30 * 60_000
const RETRY_FOR_MS = 10 * 60_000
/** How to set the address without a file or the shell's history. */
export const SET_URL = 'read -rs RUNCTL_NOTIFY_URL && export RUNCTL_NOTIFY_URL'

/** null: no address is set, so nothing is told to anybody. Throws `bad_input`; the address is in no message. */
export function readSettings(all: StepContext['settings'], RunctlError: StepContext['RunctlError']): NotifySettings | null {
  const own = all['notify'] ?? {}
  const bad = (message: string, next = 'runctl config show'): Error => new RunctlError('bad_input', message, {next: [next]})
  const url = own['url']
  if (url === undefined || url === '') return null
  if (typeof url !== 'string' || !isWebAddress(url)) throw bad('notify.url: expected an address that begins with https:// or http:// (it is not shown here, being a secret)', SET_URL)
  const format = own['format'] ?? 'json'
  if (!isOneOf(FORMATS, format)) throw bad(`notify.format: expected "json" or "slack", found ${JSON.stringify(format)}`)
  const events = (own['events'] ?? DEFAULT_EVENTS) as readonly unknown[]
  const named = events.filter(event => isOneOf(EVENTS, event))
  const unknown = events.find(event => !isOneOf(EVENTS, event))
  if (unknown !== undefined) throw bad(`notify.events: ${JSON.stringify(unknown)} is none of ${EVENTS.join(', ')}`)
  return {
    url,
    format,
    events: named,
    checkpointGapMs: (own['checkpoint_gap'] as number | undefined) ?? CHECKPOINT_GAP_MS,
    retryForMs: (own['retry_for'] as number | undefined) ?? RETRY_FOR_MS,
  }
}

/** What may be shown of an address. */
export function hostOf(url: string): string {
  return new URL(url).host
}

function isWebAddress(url: string): boolean {
  return URL.canParse(url) && ['http:', 'https:'].includes(new URL(url).protocol)
}

function isOneOf<T extends string>(all: readonly T[], value: unknown): value is T {
  return (all as readonly unknown[]).includes(value)
}
