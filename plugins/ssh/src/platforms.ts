import path from 'node:path'
import type {RunctlHook} from 'runctl'

import {KnownHosts} from './known-hosts.js'

/** Loaded by every command that needs a platform: nothing of the provider is loaded before `create`. */
const platforms: RunctlHook<'platforms'> = async function () {
  const known = new KnownHosts(path.join(this.config.dataDir, 'ssh'))
  return [{
    name: 'ssh',
    apiVersion: 1,
    description: 'Machines that you reach by SSH: no cloud, no account',
    ownsInstanceId: id => known.has(id),
    isConfigured: ({settings}) => ((settings['hosts'] as readonly string[] | undefined) ?? []).length > 0 || known.remembered.length > 0,
    async create(environment) {
      const {SshProvider} = await import('./ssh-provider.js')
      return new SshProvider(environment)
    },
  }]
}

export default platforms
