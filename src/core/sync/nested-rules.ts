import {readFile} from 'node:fs/promises'
import path from 'node:path'
import ignore, {type Ignore} from 'ignore'

/** Tells of a name in one folder whether it is ignored. */
export type IgnoreTest = (name: string, isFolder: boolean) => boolean

/** The rules of one file. Each line is kept negated: only so does `ignore` tell that it matched the path itself and not a parent of it. */
interface RuleFile {
  readonly folder: string
  readonly lines: readonly {readonly matcher: Ignore; readonly ignores: boolean}[]
  readonly any: Ignore
}

interface FolderRules {
  readonly ignored: boolean
  /** Innermost first. */
  readonly files: readonly RuleFile[]
}

/**
 * Ignore files in every folder of a tree, with git's rules: the last matching line of the innermost file that has one decides,
 * and what is below an ignored folder stays ignored whatever the lines say.
 */
export class NestedRules {
  private readonly folders = new Map<string, Promise<FolderRules>>()

  constructor(
    private readonly root: string,
    private readonly fileName: string,
  ) {}

  /** `folder` is relative to the root, `''` for the root itself. */
  async testIn(folder: string): Promise<IgnoreTest> {
    const rules = await this.rulesOf(folder)
    return (name, isFolder) => rules.ignored || judge(rules.files, join(folder, name), isFolder)
  }

  private rulesOf(folder: string): Promise<FolderRules> {
    let rules = this.folders.get(folder)
    if (!rules) this.folders.set(folder, (rules = this.load(folder)))
    return rules
  }

  private async load(folder: string): Promise<FolderRules> {
    const above = folder === '' ? {ignored: false, files: []} : await this.rulesOf(parentOf(folder))
    if (folder !== '' && (above.ignored || judge(above.files, folder, true))) return {ignored: true, files: []}
    const text = await readFile(path.join(this.root, folder, this.fileName), 'utf8').catch(() => '')
    const own = parseRules(folder, text)
    return {ignored: false, files: own.lines.length > 0 ? [own, ...above.files] : above.files}
  }
}

function parseRules(folder: string, text: string): RuleFile {
  const any = ignore({ignorecase: false})
  const lines: RuleFile['lines'][number][] = []
  for (const raw of text.replace(/^\uFEFF/, '').split(/\r?\n/)) {
    if (raw.trim() === '' || raw.startsWith('#')) continue
    const negated = raw.startsWith('!') ? raw : `!${raw}`
    lines.push({matcher: ignore({ignorecase: false}).add(negated), ignores: !raw.startsWith('!')})
    any.add(negated)
  }
  return {folder, lines: lines.reverse(), any}
}

function judge(files: readonly RuleFile[], whole: string, isFolder: boolean): boolean {
  for (const file of files) {
    const relative = (file.folder === '' ? whole : whole.slice(file.folder.length + 1)) + (isFolder ? '/' : '')
    if (!file.any.test(relative).unignored) continue
    const line = file.lines.find(one => one.matcher.test(relative).unignored)
    if (line) return line.ignores
  }
  return false
}

export function parentOf(relative: string): string {
  const slash = relative.lastIndexOf('/')
  return slash < 0 ? '' : relative.slice(0, slash)
}

export function join(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`
}
