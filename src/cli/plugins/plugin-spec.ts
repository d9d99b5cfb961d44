/** What a person names to be installed or linked, checked before anything is changed. */
import {readFile, stat} from 'node:fs/promises'
import path from 'node:path'

import {RunctlError} from '../../model/errors.js'

const TARBALL = /\.(tgz|tar\.gz|tar)$/

/**
 * As plugin-plugins wants it: a path on this machine as an absolute `file:`, everything else (a name, a URL, `owner/repository` of GitHub) as it
 * is. Rejects with `not_found` or `bad_input` for a path that is no plugin.
 */
export async function installSpec(spec: string, cwd: string): Promise<string> {
  const written = spec.startsWith('file:') ? spec.slice('file:'.length).replace(/^\/\//, '') : isPath(spec) ? spec : null
  if (written === null) return spec
  const file = path.resolve(cwd, written)
  const found = await stat(file).catch(() => null)
  if (found === null) throw new RunctlError('not_found', `there is no ${file}: nothing was installed`)
  if (found.isDirectory()) await pluginName(file)
  else if (!TARBALL.test(file)) throw new RunctlError('bad_input', `${file} is neither a folder nor what \`npm pack\` makes (.tgz): nothing was installed`)
  return `file:${file}`
}

function isPath(spec: string): boolean {
  if (/^\.{1,2}([/\\]|$)/.test(spec) || path.isAbsolute(spec)) return true
  return TARBALL.test(spec) && !spec.includes(':')
}

/** Of the plugin in this very folder. Rejects where there is none: oclif would look in the folders above. */
export async function pluginName(folder: string): Promise<string> {
  const file = path.join(folder, 'package.json')
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch {
    throw new RunctlError('not_found', `there is no plugin in ${folder}: it has no package.json`)
  }
  const {name, oclif} = parsed(text, file)
  if (typeof name !== 'string' || name === '') throw new RunctlError('bad_input', `${file} has no name`)
  if (typeof oclif !== 'object' || oclif === null) throw new RunctlError('bad_input', `${file} is not that of a plugin: it has no "oclif"`)
  return name
}

function parsed(text: string, file: string): {readonly name?: unknown; readonly oclif?: unknown} {
  try {
    return Object(JSON.parse(text)) as {readonly name?: unknown; readonly oclif?: unknown}
  } catch (error) {
    throw new RunctlError('bad_input', `${file} is not JSON: ${(error as Error).message}`)
  }
}
