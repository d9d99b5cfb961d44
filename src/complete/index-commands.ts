import type {IndexedArg, IndexedCommand, IndexedFlag} from './command-index.js'
import {kindOfArg, kindOfFlag} from './value-kinds.js'

interface ManifestValue {
  readonly name?: unknown
  readonly summary?: unknown
  readonly description?: unknown
  readonly char?: unknown
  readonly type?: unknown
  readonly options?: unknown
  readonly multiple?: unknown
  readonly hidden?: unknown
  readonly allowNo?: unknown
}

interface ManifestCommand {
  readonly id?: unknown
  readonly aliases?: unknown
  readonly hidden?: unknown
  readonly summary?: unknown
  readonly description?: unknown
  readonly args?: Readonly<Record<string, ManifestValue>>
  readonly flags?: Readonly<Record<string, ManifestValue>>
  readonly completions?: {readonly args?: Readonly<Record<string, unknown>>; readonly flags?: Readonly<Record<string, unknown>>}
}

/** The commands of an oclif.manifest.json by their words, without hidden ones. What is no such file has none. */
export function indexCommands(manifest: unknown): Record<string, IndexedCommand> {
  const {commands} = asObject(manifest) as {readonly commands?: unknown}
  const found = Object.values(asObject(commands)).flatMap(one => {
    const command = asObject(one) as ManifestCommand
    if (command.hidden === true || typeof command.id !== 'string') return []
    const aliases: readonly unknown[] = Array.isArray(command.aliases) ? command.aliases : []
    const indexed = indexCommand(command)
    return [command.id, ...aliases].flatMap(id => (typeof id === 'string' ? [[id.replaceAll(':', ' '), indexed] as const] : []))
  })
  return Object.fromEntries(found)
}

function indexCommand(command: ManifestCommand): IndexedCommand {
  const {args, flags} = asObject(command.completions) as NonNullable<ManifestCommand['completions']>
  return {
    summary: firstLine(command.summary ?? command.description),
    args: Object.entries(asObject(command.args)).map(([name, arg]) => indexArg(asObject(arg), asObject(args)[name] ?? kindOfArg(name, String(command.id)))),
    flags: Object.entries(asObject(command.flags)).flatMap(([name, flag]) => indexFlag(name, asObject(flag), asObject(flags)[name] ?? kindOfFlag(name))),
  }
}

function indexArg({multiple, options}: ManifestValue, kind: unknown): IndexedArg {
  return {
    ...(typeof kind === 'string' ? {kind} : {}),
    ...(Array.isArray(options) ? {options: options.map(String)} : {}),
    ...(multiple === true ? {multiple: true} : {}),
  }
}

function indexFlag(name: string, flag: ManifestValue, kind: unknown): readonly IndexedFlag[] {
  if (flag.hidden === true) return []
  const summary = firstLine(flag.summary ?? flag.description)
  if (flag.type === 'boolean') {
    const indexed = {name, summary, ...(typeof flag.char === 'string' ? {char: flag.char} : {})}
    return flag.allowNo === true ? [indexed, {name: `no-${name}`, summary: `Not: ${summary}`}] : [indexed]
  }
  return [{name, summary, takesValue: true, ...(typeof flag.char === 'string' ? {char: flag.char} : {}), ...indexArg(flag, kind)}]
}

/** Other templates of oclif have no place in a line of a menu. */
const firstLine = (text: unknown): string => (typeof text === 'string' ? (text.split('\n')[0] ?? '').replaceAll('<%= config.bin %>', 'runctl').replace(/<%.*?%>/g, '').slice(0, 120) : '')

const asObject = (value: unknown): Record<string, never> => (typeof value === 'object' && value !== null ? (value as Record<string, never>) : {})
