import {access} from 'node:fs/promises'
import {homedir} from 'node:os'
import path from 'node:path'

import type {ProviderEnvironment} from '../provider.js'

/** Each of them means that somebody gave credentials to this machine, or said where they are. A region alone does not: many images set one. */
const CREDENTIAL_VARIABLES = [
  'AWS_ACCESS_KEY_ID',
  'AWS_PROFILE',
  'AWS_DEFAULT_PROFILE',
  'AWS_WEB_IDENTITY_TOKEN_FILE',
  'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
  'AWS_CONTAINER_CREDENTIALS_FULL_URI',
  'RUNCTL_AWS_PROFILE',
] as const

/** Without the SDK and without asking the metadata service: credentials in the environment or in ~/.aws, or anything in `[aws]`. */
export async function isAwsConfigured({env, settings}: Pick<ProviderEnvironment, 'env' | 'settings'>): Promise<boolean> {
  if (Object.keys(settings).length > 0 || CREDENTIAL_VARIABLES.some(name => env[name])) return true
  const folder = path.join(env['HOME'] || homedir(), '.aws')
  const files = [env['AWS_SHARED_CREDENTIALS_FILE'] || path.join(folder, 'credentials'), env['AWS_CONFIG_FILE'] || path.join(folder, 'config')]
  const found = await Promise.all(files.map(async file => access(file).then(() => true, () => false)))
  return found.includes(true)
}
