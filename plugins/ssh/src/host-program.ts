import {readFileSync} from 'node:fs'

let program: Buffer | undefined

/** host/host.py, which lies beside dist/ in the package. */
export function hostProgram(): Buffer {
  program ??= readFileSync(new URL('../host/host.py', import.meta.url))
  return program
}
