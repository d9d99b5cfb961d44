/** Changes one value in TOML text and nothing else: comments, order, indentation and line ends stay as they are. */
import {isTable, type TomlDocument, type TomlItem} from './toml-syntax.js'
import {tomlKey} from './toml-text.js'

/** `value` is TOML. Throws a TypeError where a table stands at `path`: the caller has ruled that out. */
export function setInToml(document: TomlDocument, path: readonly string[], value: string): string {
  const existing = document.items.find(item => samePath(item.path, path))
  if (existing !== undefined) return replaceValue(document.text, existing, value)
  // As deep inside what is there as possible: a table that exists cannot be opened a second time.
  for (let depth = path.length - 1; depth > 0; depth--) {
    const line = `${tomlKey(path.slice(depth))} = ${value}`
    const edited = insertIntoTable(document, path.slice(0, depth), line) ?? insertBesideDotted(document, path, depth, value)
    if (edited !== null) return edited
  }
  return appendSection(document.text, path, value)
}

function replaceValue(text: string, {content, path}: TomlItem, value: string): string {
  if (!('range' in content)) throw new TypeError(`${tomlKey(path)} is a table`)
  return splice(text, content.range[0], content.range[1], value)
}

/** Into the table that stands for `path`: `[path]` or `path = {…}`; null where neither is there. */
function insertIntoTable(document: TomlDocument, path: readonly string[], line: string): string | null {
  const table = document.items.find(item => samePath(item.path, path) && isTable(item.content))
  if (table === undefined) return null
  const {text} = document
  if (table.node.type === 'TOMLTable') {
    const {node} = table
    const last = node.body.at(-1)
    const shownAsComment = commentedOut(document, table, line)
    if (shownAsComment !== null) return insertLineAfter(text, shownAsComment, line, indentAt(text, shownAsComment))
    if (last !== undefined) return insertLineAfter(text, last.range[1], line, indentAt(text, last.range[0]))
    return insertLineAfter(text, text.indexOf(']', node.key.range[1]), line, indentAt(text, node.range[0]))
  }
  if (!('body' in table.content)) return null
  const last = table.content.body.at(-1)
  const start = table.content.range[0] + 1
  return last === undefined ? splice(text, start, start, line) : splice(text, last.range[1], last.range[1], `, ${line}`)
}

/** The offset of a comment in the table that shows this very key, as `runctl init` writes them: `# grace = "120s"`. */
function commentedOut(document: TomlDocument, table: TomlItem, line: string): number | null {
  const [key = ''] = line.split(' = ')
  const next = document.root.body.find(node => node.type === 'TOMLTable' && node.range[0] > table.node.range[0])
  const end = next?.range[0] ?? document.text.length
  const comment = document.comments.find(
    ({range, value}) => range[0] > table.node.range[0] && range[0] < end && value.replace(/^#?\s*/, '').startsWith(`${key} =`),
  )
  return comment === undefined ? null : comment.range[0]
}

/** Where `a.b.x = 1` makes the table `a.b` without a header, `a.b.y` has to be written the same way, next to it. */
function insertBesideDotted(document: TomlDocument, path: readonly string[], depth: number, value: string): string | null {
  const table = path.slice(0, depth)
  const sibling = document.items.findLast(
    ({depth: written, node, path: of}) =>
      node.type === 'TOMLKeyValue' && written < depth && of.length > depth && samePath(of.slice(0, depth), table),
  )
  if (sibling === undefined) return null
  const line = `${tomlKey(path.slice(sibling.depth))} = ${value}`
  const {text} = document
  const end = sibling.node.range[1]
  if (sibling.within.type === 'TOMLInlineTable') return splice(text, end, end, `, ${line}`)
  return insertLineAfter(text, end, line, indentAt(text, sibling.node.range[0]))
}

function appendSection(text: string, path: readonly string[], value: string): string {
  const newline = lineEndOf(text)
  const before = text.trim() === '' ? text : `${text.replace(/(\r?\n)*$/, '')}${newline}${newline}`
  return `${before}[${tomlKey(path.slice(0, -1))}]${newline}${tomlKey(path.slice(-1))} = ${value}${newline}`
}

function insertLineAfter(text: string, offset: number, line: string, indent: string): string {
  const newline = lineEndOf(text)
  const lineEnd = text.indexOf('\n', offset)
  if (lineEnd === -1) return `${text}${newline}${indent}${line}${newline}`
  return splice(text, lineEnd + 1, lineEnd + 1, `${indent}${line}${newline}`)
}

function indentAt(text: string, offset: number): string {
  const lineStart = text.lastIndexOf('\n', offset - 1) + 1
  return /^[ \t]*/.exec(text.slice(lineStart, offset))?.[0] ?? ''
}

function lineEndOf(text: string): string {
  return text.includes('\r\n') ? '\r\n' : '\n'
}

function splice(text: string, start: number, end: number, replacement: string): string {
  return `${text.slice(0, start)}${replacement}${text.slice(end)}`
}

function samePath(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((part, index) => part === b[index])
}
