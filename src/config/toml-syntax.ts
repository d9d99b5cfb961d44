/** TOML text with positions. The parser is loaded on first use: most projects have no file, and every command reads the configuration. */
import type {AST} from 'toml-eslint-parser'

export type TomlValueNode = AST.TOMLContentNode
export type TomlTable = AST.TOMLInlineTable | AST.TOMLTable | AST.TOMLTopLevelTable

/** Everything that the text defines, flat and in order: each table (however it is written) and each value. */
export interface TomlItem {
  readonly path: readonly string[]
  readonly content: TomlValueNode | {readonly type: 'array of tables'} | {readonly type: 'table'}
  /** The table in which it is written, and how many leading parts of `path` that table stands for. */
  readonly within: TomlTable
  readonly depth: number
  readonly node: AST.TOMLKeyValue | AST.TOMLTable
  /** Of the key; both from 1. */
  readonly line: number
  readonly column: number
}

export interface TomlDocument {
  readonly text: string
  readonly items: readonly TomlItem[]
  readonly root: AST.TOMLTopLevelTable
  readonly comments: readonly AST.Comment[]
}

export interface TomlSyntaxError {
  readonly line: number
  readonly column: number
  readonly message: string
}

export async function parseToml(text: string): Promise<{readonly document: TomlDocument} | {readonly error: TomlSyntaxError}> {
  const {ParseError, parseTOML} = await import('toml-eslint-parser')
  try {
    const program = parseTOML(text)
    const root = program.body[0]
    return {document: {text, items: root.body.flatMap(node => itemsOf(node, root, [])), root, comments: program.comments}}
  } catch (error) {
    if (!(error instanceof ParseError)) throw error
    return {error: {line: error.lineNumber, column: error.column + 1, message: error.message}}
  }
}

function itemsOf(node: AST.TOMLKeyValue | AST.TOMLTable, within: TomlTable, prefix: readonly string[]): TomlItem[] {
  const path = [...prefix, ...node.key.keys.map(part => (part.type === 'TOMLBare' ? part.name : part.value))]
  const {start} = node.key.loc
  const place = {path, within, depth: prefix.length, node, line: start.line, column: start.column + 1}
  if (node.type === 'TOMLTable') {
    const content = {type: node.kind === 'array' ? 'array of tables' : 'table'} as const
    return [{...place, content}, ...node.body.flatMap(child => itemsOf(child, node, path))]
  }
  const table = node.value
  return [{...place, content: table}, ...(table.type === 'TOMLInlineTable' ? table.body.flatMap(child => itemsOf(child, table, path)) : [])]
}

export function isTable(content: TomlItem['content']): boolean {
  return content.type === 'table' || content.type === 'TOMLInlineTable'
}
