/** Machines of the kind that this computer can give. */

import type {ImdsSource} from '../imds.js'
import type {Machines} from '../types.js'
import {FolderMachines} from './folders.js'
import {NamespaceMachines} from './namespaces.js'

export interface MachinesOptions {
  /** Where the machines' temporary folder is made; absent: the system's. */
  readonly root?: string
  /** The bench's port on 127.0.0.1: the same address means the bench on an instance too. */
  readonly endpointPort: number
  /** A unix socket on which the same HTTP server listens. */
  readonly endpointSocket: string
  readonly imds: ImdsSource
  /** Absent: `namespaces` where they work (root on Linux), else `folders`. `namespaces` fails where they do not. */
  readonly kind?: Machines['kind']
  /** How long a stop that is not forced waits between SIGTERM and SIGKILL; default 1,000. */
  readonly shutdownGraceMs?: number
  /** The size of an instance's disk; null or absent: no limit. Only with `namespaces`. Asked once an instance, at its first start. */
  readonly diskMib?: (instanceId: string) => number | null
  /** The normal user, uid 1000; default `ec2-user`. */
  readonly user?: string
  /** Whether the normal user may use `sudo`, without a password; absent: yes. Asked at each start. */
  readonly sudo?: () => boolean
  /** An instance powered itself off; it goes on running until it is stopped. */
  readonly onPowerOff?: (instanceId: string) => void
  /** Also in the environment of scripts, and of what runs at boot. */
  readonly env?: Readonly<Record<string, string>>
}

export async function createMachines(options: MachinesOptions): Promise<Machines> {
  if (options.kind === 'folders') return FolderMachines.create(options)
  try {
    return await NamespaceMachines.create(options)
  } catch (error) {
    if (options.kind === 'namespaces') throw error
    return FolderMachines.create(options)
  }
}
