import {homedir, platform} from 'node:os'
import {join} from 'node:path'

type Env = Readonly<Record<string, string | undefined>>

/** runctl's folders, where oclif puts them: it is not loaded here. */
export function folders(env: Env): {readonly cacheDir: string; readonly dataDir: string} {
  const home = env['HOME'] || homedir()
  const cache = platform() === 'darwin' ? join(home, 'Library', 'Caches') : env['XDG_CACHE_HOME'] || join(home, '.cache')
  return {
    cacheDir: env['RUNCTL_CACHE_DIR'] || join(cache, 'runctl'),
    dataDir: env['RUNCTL_DATA_DIR'] || join(env['XDG_DATA_HOME'] || join(home, '.local', 'share'), 'runctl'),
  }
}

/** Where what is known of a platform's values is kept. */
export const valuesFolder = (cacheDir: string): string => join(cacheDir, 'completion')
