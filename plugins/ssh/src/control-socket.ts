import {lstatSync, mkdirSync} from 'node:fs'
import {tmpdir, userInfo} from 'node:os'
import path from 'node:path'

/** The address of a socket has 104 bytes on macOS, 108 on Linux. ssh adds a hash of 40 signs, and 17 for a name that it makes first. */
const MAX_FOLDER_BYTES = 104 - 1 - 40 - 18
/** As long as nothing is asked, the connection is kept for this. */
const KEEP_SECONDS = 120

/**
 * Options with which calls share one connection. Its socket lies in a folder that is this user's alone: in runctl's data folder where its path is
 * short enough, else among temporary files. Where neither can be had there is one connection a call, and everything else is as it was.
 */
export function controlOptions(dataDir: string): readonly string[] {
  const folder = [path.join(dataDir, 'ssh', 'c'), path.join(tmpdir(), `runctl-ssh-${userId()}`)].find(isUsable)
  return folder === undefined ? ['ControlMaster=no', 'ControlPath=none'] : ['ControlMaster=auto', `ControlPath=${folder}/%C`, `ControlPersist=${KEEP_SECONDS}`]
}

const userId = (): number => process.getuid?.() ?? userInfo().uid

function isUsable(folder: string): boolean {
  // ssh reads blanks, quotes and '%' in such an option its own way.
  if (process.platform === 'win32' || Buffer.byteLength(folder) > MAX_FOLDER_BYTES || !/^[A-Za-z0-9/._-]+$/.test(folder)) return false
  try {
    mkdirSync(folder, {recursive: true, mode: 0o700})
    const found = lstatSync(folder)
    return found.isDirectory() && found.uid === userId() && (found.mode & 0o077) === 0
  } catch {
    return false
  }
}
