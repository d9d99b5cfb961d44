import {spawn} from 'node:child_process'
import {mkdirSync, statSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'

import {valuesFolder} from './folders.js'

/** Completions come with every key: within this time one refresh is enough, whatever became of it. */
const APART_MS = 5000

/** Starts `runctl __refresh` behind the back of who completes; it ends by itself. */
export function startRefresh(platforms: readonly string[], cacheDir: string): void {
  const folder = valuesFolder(cacheDir)
  const mark = join(folder, 'refresh-started')
  const age = Date.now() - (statSync(mark, {throwIfNoEntry: false})?.mtimeMs ?? 0)
  // A mark from the future is from a clock that was wrong.
  if (age >= 0 && age < APART_MS) return
  mkdirSync(folder, {recursive: true, mode: 0o700})
  writeFileSync(mark, '', {mode: 0o600})
  spawn(process.execPath, [process.argv[1] ?? '', '__refresh', ...platforms], {detached: true, stdio: 'ignore'})
    .on('error', () => undefined)
    .unref()
}
