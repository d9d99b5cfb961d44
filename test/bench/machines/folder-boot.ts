/** What an operating system and its image bring along, for an instance that is a folder. */

import {randomUUID} from 'node:crypto'
import {mkdir, readdir, rm, symlink, writeFile} from 'node:fs/promises'
import {join} from 'node:path'

const PER_BOOT = 'root/var/lib/cloud/scripts/per-boot'

/** Programs in `bin/`, which come first on the path; below `root/` what runctl looks at as root. A change in `power/` is a power-off. */
export async function furnish(folder: string, {bootId, sudo}: {readonly bootId: string; readonly sudo: boolean}): Promise<void> {
  for (const name of ['bin', 'power', 'root/etc/cloud', 'root/proc/sys/kernel/random']) await mkdir(join(folder, name), {recursive: true})
  // Who looks up the instance's normal user finds this one, with a home that is the instance's: nothing may reach a real one.
  const entry = `$(id -un):x:$(id -u):$(id -g)::${join(folder, 'home')}:/bin/sh`
  const powerOff = `: >"${join(folder, 'power')}/off-$$"`
  const programs: Readonly<Record<string, string>> = {
    getent: `[ "$1" = passwd ] || exit 2\necho "${entry}"`,
    halt: powerOff, poweroff: powerOff, shutdown: powerOff,
    sudo: sudo ? '[ "$1" != -n ] || shift\nexec "$@"' : 'echo "sudo: a password is required" >&2\nexit 1',
  }
  for (const [name, text] of Object.entries(programs)) await writeFile(join(folder, 'bin', name), `#!/bin/sh\n${text}\n`, {mode: 0o755})
  // As /run after a boot.
  await rm(join(folder, 'root/run'), {recursive: true, force: true})
  await mkdir(join(folder, 'root/run'))
  await writeFile(join(folder, 'root/proc/sys/kernel/random/boot_id'), `${bootId}\n`)
  await symlink('/proc/uptime', join(folder, 'root/proc/uptime')).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  })
}

/** Files to run at a boot, in order, as cloud-init does. User data runs on this machine: only such as keeps to the folder does. */
export async function bootScripts(folder: string, userData: string | null): Promise<readonly string[]> {
  const names = await readdir(join(folder, PER_BOOT)).catch(() => [])
  const files = names.toSorted().map((name) => join(folder, PER_BOOT, name))
  if (userData === null || !/^#!.*RUNCTL_WATCH_ROOT/s.test(userData)) return files
  const file = join(folder, `user-data-${randomUUID()}`)
  await writeFile(file, userData, {mode: 0o700})
  return [...files, file]
}
