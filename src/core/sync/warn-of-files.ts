import {readFile} from 'node:fs/promises'

import type {ProjectFile} from './project-file.js'
import {showBytes, showName, showNames} from './show-name.js'

const SECRET_NAMES = [
  /^\.env(\..+)?$/,
  /\.pem$/,
  /\.p12$/,
  /^id_(rsa|ed25519)/,
  /^credentials/,
  /^\.netrc$/,
  /^service-account.*\.json$/,
  /^kaggle\.json$/,
]
/** Names that match, but hold no secret: templates, public keys, code. */
const NO_SECRETS = [/^\.env\.(example|sample|template|dist)$/, /\.pub$/, /^credentials.*\.(py|ts|js|md|rst|html)$/]

const LARGE_BYTES = 200_000_000

/** What a person should know before the files leave this machine. */
export async function warnOfFiles(files: readonly ProjectFile[]): Promise<string[]> {
  const warnings: string[] = []
  const secrets: string[] = []
  for (const file of files) if (await looksSecret(file)) secrets.push(file.path)
  if (secrets.length > 0) {
    const what = secrets.length === 1 ? 'this file looks like a secret' : 'these files look like secrets'
    warnings.push(`${what} and will be sent: ${showNames(secrets)}; a line in .runctlignore leaves a file out`)
  }
  const totalBytes = files.reduce((sum, file) => sum + file.size, 0)
  if (totalBytes > LARGE_BYTES) {
    const largest = [...files].sort((a, b) => b.size - a.size).slice(0, 10)
    const list = largest.map(file => `${showName(file.path)} (${showBytes(file.size)})`).join(', ')
    warnings.push(`the files are ${showBytes(totalBytes)} in all; the largest: ${list}; a line in .runctlignore leaves one out`)
  }
  return warnings
}

async function looksSecret(file: ProjectFile): Promise<boolean> {
  const name = file.path.slice(file.path.lastIndexOf('/') + 1)
  if (file.kind !== 'file') return false
  if (name === '.npmrc') return /_authToken|_auth|_password/.test(await readFile(file.absolutePath, 'utf8').catch(() => ''))
  return SECRET_NAMES.some(pattern => pattern.test(name)) && !NO_SECRETS.some(pattern => pattern.test(name))
}
