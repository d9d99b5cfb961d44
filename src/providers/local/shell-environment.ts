import {userInfo} from 'node:os'
import {join} from 'node:path'

/**
 * What a script may see of the user's environment: where programs and their libraries are, the language, the accelerators, the way to
 * the network, and where packages come from. Not: credentials, settings of the user's own shell, runctl's own variables.
 */
const PASSED_ON = [
  /^(PATH|LANG|TZ|LD_LIBRARY_PATH|SSL_CERT_FILE|SSL_CERT_DIR|CURL_CA_BUNDLE|REQUESTS_CA_BUNDLE)$/,
  /^LC_/,
  /^(CUDA|NVIDIA|PIP|UV)_/,
  /^(HIP|ROCR)_VISIBLE_DEVICES$/,
  /_PROXY$/i,
]
const SECRET = /TOKEN|PASSWORD|SECRET|UV_PUBLISH_|_KEYRING_|_CREDENTIALS/

const DEFAULT_PATH = '/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin'

export interface ShellPlace {
  readonly instanceId: string
  readonly home: string
  /** Of the current start of the instance. */
  readonly bootId: string
  /** ISO 8601: when that was. */
  readonly bootAt: string
}

export function shellEnvironment(place: ShellPlace, env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const passed = Object.entries(env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && PASSED_ON.some(shape => shape.test(entry[0])) && !SECRET.test(entry[0]),
  )
  const user = userName(env)
  const temporary = temporaryFolder(place.home)
  return {
    PATH: DEFAULT_PATH,
    ...Object.fromEntries(passed.filter(([name, value]) => name !== 'PATH' || value !== '')),
    HOME: place.home,
    USER: user,
    LOGNAME: user,
    SHELL: '/bin/sh',
    TERM: 'dumb',
    ...(temporary === null ? {} : {TMPDIR: temporary}),
    RUNCTL_INSTANCE_ID: place.instanceId,
    RUNCTL_BOOT_ID: place.bootId,
    RUNCTL_BOOT_AT: place.bootAt,
  }
}

/**
 * A folder in the instance's home, so that it goes with it; null where its path is so long that sockets which Python's multiprocessing
 * makes there (`/pymp-xxxxxxxx/listener-xxxxxxxx`, PyTorch's data loaders use them) would not fit into a socket's address.
 */
export function temporaryFolder(home: string, platform: NodeJS.Platform = process.platform): string | null {
  const folder = join(home, 'tmp')
  const addressBytes = platform === 'linux' ? 108 : 104
  return Buffer.byteLength(folder) + 33 > addressBytes ? null : folder
}

function userName(env: Readonly<Record<string, string | undefined>>): string {
  try {
    return userInfo().username
  } catch {
    // A user id without an entry in the password file, as in many containers.
    return env['USER'] ?? 'user'
  }
}
