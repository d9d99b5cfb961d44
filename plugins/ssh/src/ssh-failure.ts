import type {ErrorCode} from 'runctl'

/** How a call ended without an answer of the host's. */
export interface SshFailure {
  readonly kind: 'ended' | 'no ssh' | 'silent'
  /** The exit status of ssh; 255 is its own, others are the remote command's. */
  readonly status?: number | null
  /** What ssh, or the host's login shell, wrote on standard error. */
  readonly words: string
  /** The host had begun to work. */
  readonly greeted: boolean
}

export interface ToldFailure {
  readonly code: ErrorCode
  readonly message: string
  readonly next: readonly string[]
  readonly details: Readonly<Record<string, unknown>>
}

const MAX_WORDS = 300
/** Nothing was begun there, and nothing changes until somebody does something. */
const STANDS = {delivered: false, waiting_helps: false}

/** What ssh says is kept as it is: its words are what people search for. */
export function failureOf(host: string, failure: SshFailure): ToldFailure {
  const {greeted, kind, status, words} = failure
  const said = shorten(words)
  if (kind === 'no ssh') return {code: 'platform_failed', message: `ssh cannot be started on this machine: ${said}`, next: [], details: STANDS}
  if (greeted) return {code: 'unreachable', message: `the connection to ${host} was lost${said === '' ? '' : `: ${said}`}`, next: [`runctl ssh status ${host}`], details: {}}
  if (kind === 'silent') return {code: 'unreachable', message: `${host} does not answer${said === '' ? '' : `: ${said}`}`, next: [`ssh ${host} true`], details: {}}
  if (status === 127 || /python3.*not found|Unknown command.*python3/i.test(words)) {
    return {code: 'platform_failed', message: `${host} has no python3, which runctl needs there: install Python 3.8 or newer`, next: [`ssh ${host} python3 --version`], details: STANDS}
  }
  // Any other status is that of the host's login shell, and so are the words.
  if (status !== 255) {
    const message = `${host} ran no command: its login shell ended with ${String(status)}${said === '' ? '' : `: ${said}`}`
    return {code: 'platform_failed', message, next: [`ssh ${host} true`], details: STANDS}
  }
  if (/REMOTE HOST IDENTIFICATION HAS CHANGED/.test(words)) {
    const message = `the host key of ${host} is another than before: it was installed anew, or somebody stands between. Find out which; only then forget the old key`
    return {code: 'platform_failed', message, next: [removal(words), `ssh ${host} true`], details: STANDS}
  }
  if (/Host key verification failed|No .* host key is known/.test(words)) {
    return {code: 'platform_failed', message: `the host key of ${host} is not known on this machine: log in once by hand, compare the key that is shown, and accept it`, next: [`ssh ${host} true`], details: STANDS}
  }
  if (/Permission denied|Too many authentication failures|no mutual signature|No supported authentication/i.test(words)) {
    return {code: 'platform_failed', message: `${host} refuses the login: ${said}`, next: [`ssh ${host} true`], details: STANDS}
  }
  if (/Bad configuration option|Bad owner or permissions|Can't open user config file|terminating, .* bad configuration/i.test(words)) {
    return {code: 'platform_failed', message: `ssh does not take its configuration: ${said}`, next: [`ssh -G ${host}`], details: STANDS}
  }
  return {code: 'unreachable', message: `${host} cannot be reached: ${said || 'ssh ended without a word'}`, next: [`ssh ${host} true`], details: {delivered: false}}
}

/**
 * As ssh advises it, where it does. The words may be the host's too, and a person pastes what stands here: so it is made anew of parts that are
 * nothing but a path and a name.
 */
function removal(words: string): string {
  const [, file, name] = /^\s*ssh-keygen -f ['"]?([A-Za-z0-9/._-]+)['"]? -R ['"]?(\[[A-Za-z0-9.:_-]+\]:\d{1,5}|[A-Za-z0-9.:_-]+)['"]?\s*$/m.exec(words) ?? []
  return file === undefined || name === undefined ? 'ssh-keygen -R NAME' : `ssh-keygen -f '${file}' -R '${name}'`
}

function shorten(words: string): string {
  const line = words.split('\n').map(one => one.trim()).filter(one => one !== '').join('; ')
  return line.length > MAX_WORDS ? `${line.slice(0, MAX_WORDS)}…` : line
}
