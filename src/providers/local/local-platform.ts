import {RunctlError} from '../../model/errors.js'
import {PROVIDER_API_VERSION, type PlatformDefinition, type Provider, type ProviderEnvironment} from '../provider.js'

/** Light: nothing of the provider is loaded before `create`. */
export const localPlatform: PlatformDefinition = {
  name: 'local',
  apiVersion: PROVIDER_API_VERSION,
  description: 'Instances on this machine: a folder and a process tree each, no account needed',
  ownsInstanceId: id => /^local-[0-9a-f]{8}$/.test(id),
  create: createLocalProvider,
}

async function createLocalProvider({dataDir, env}: ProviderEnvironment): Promise<Provider> {
  refuseWindows(process.platform)
  const [{realpath}, {LocalProvider}, {thisMachine}] = await Promise.all([
    import('node:fs/promises'),
    import('./local-provider.js'),
    import('./machine.js'),
  ])
  return new LocalProvider({dataDir: await realpath(dataDir), env, machine: thisMachine(), now: () => new Date()})
}

/** Throws `platform_failed` on Windows. */
export function refuseWindows(platform: NodeJS.Platform): void {
  if (platform !== 'win32') return
  const what = 'the platform local needs a POSIX shell, which Windows does not have'
  throw new RunctlError('platform_failed', `${what}: use it inside WSL, or choose another platform`)
}
