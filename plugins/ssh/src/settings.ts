import type {ProviderEnvironment} from 'runctl'

import {isHostName} from './host-name.js'

export interface SshSettings {
  readonly hosts: readonly string[]
  /** Absolute; null: ssh reads its own. */
  readonly configFile: string | null
  readonly connectTimeoutMs: number
  /** Commands, or null where none is configured for the host. */
  wake(host: string): string | null
  suspend(host: string): string | null
  /** null: nobody has said. */
  usdPerHour(host: string): number | null
}

const CONNECT_TIMEOUT_MS = 15_000

/** Throws `bad_input`. */
export function readSettings({RunctlError, settings}: Pick<ProviderEnvironment, 'RunctlError' | 'settings'>): SshSettings {
  const hosts = (settings['hosts'] ?? []) as readonly string[]
  for (const host of hosts) {
    if (isHostName(host)) continue
    throw new RunctlError('bad_input', `ssh.hosts: ${JSON.stringify(host)} is no name of a host: letters, digits, '.', '_' and '-', with a user and '@' before it at most`, {next: ['runctl config show']})
  }
  const ofHost = (name: string): ((host: string) => string | null) => {
    const map = (settings[name] ?? {}) as Readonly<Record<string, string>>
    return host => (Object.hasOwn(map, host) ? map[host] : map['*']) ?? null
  }
  const price = ofHost('usd_per_hour')
  return {
    hosts,
    configFile: (settings['config_file'] as string | undefined) ?? null,
    connectTimeoutMs: (settings['connect_timeout'] as number | undefined) ?? CONNECT_TIMEOUT_MS,
    wake: ofHost('wake'),
    suspend: ofHost('suspend'),
    usdPerHour(host) {
      const text = price(host)
      if (text === null) return null
      const figure = Number(text)
      if (text.trim() !== '' && Number.isFinite(figure) && figure >= 0) return figure
      throw new RunctlError('bad_input', `ssh.usd_per_hour: expected a figure such as "0.40", found ${JSON.stringify(text)}`, {next: ['runctl config show']})
    },
  }
}
