import {mkdirSync, readFileSync, renameSync, writeFileSync} from 'node:fs'
import path from 'node:path'

import {isHostName} from './host-name.js'
import {aliasesIn, userConfigFile} from './ssh-config.js'

/**
 * The hosts that runctl has used or that its settings name, kept on this machine so that an id is known before the settings are read. What it
 * says of a machine is in its record, on the machine itself.
 */
export class KnownHosts {
  readonly #file: string

  constructor(private readonly folder: string) {
    this.#file = path.join(folder, 'hosts.json')
  }

  /** Used before, or named by settings. */
  get remembered(): readonly string[] {
    try {
      const hosts: unknown = JSON.parse(readFileSync(this.#file, 'utf8'))
      return Array.isArray(hosts) ? hosts.filter((host): host is string => typeof host === 'string' && isHostName(host)) : []
    } catch {
      return []
    }
  }

  /** Never fails: who cannot write there is asked for the platform's name the next time, no more. */
  remember(hosts: readonly string[]): void {
    const known = this.remembered
    const added = hosts.filter(host => !known.includes(host))
    if (added.length === 0) return
    try {
      mkdirSync(this.folder, {recursive: true, mode: 0o700})
      writeFileSync(`${this.#file}.${process.pid}`, JSON.stringify([...known, ...added]), {mode: 0o600})
      renameSync(`${this.#file}.${process.pid}`, this.#file)
    } catch {
      // The disk is full, or not ours.
    }
  }

  /** Whether anybody has ever named this host, here or in a configuration of ssh. No network. */
  has(host: string, configFile = userConfigFile()): boolean {
    return isHostName(host) && (this.remembered.includes(host) || aliasesIn(configFile).includes(host))
  }
}
