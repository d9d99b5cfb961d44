/** What a completion knows of the commands: made from oclif's manifests when runctl is built, and at once for the plugins of a person. */

export interface CompletionIndex {
  /** Each once; commands name them by their place here. */
  readonly flags: readonly IndexedFlag[]
  /** By the words of the command: `local train`. */
  readonly commands: Readonly<Record<string, IndexedCommand>>
  /** By their words, with a line on each. */
  readonly topics: Readonly<Record<string, string>>
  /** The built-in ones. */
  readonly platforms: readonly string[]
  readonly configKeys: Readonly<Record<string, IndexedKey>>
}

export interface IndexedCommand {
  readonly summary: string
  readonly args: readonly IndexedArg[]
  readonly flags: readonly (IndexedFlag | number)[]
}

export interface IndexedArg {
  /** What stands there, see value-kinds.ts; absent: nothing that is known. */
  readonly kind?: string
  readonly options?: readonly string[]
  readonly multiple?: true
}

export interface IndexedFlag extends IndexedArg {
  readonly name: string
  readonly summary: string
  readonly char?: string
  readonly takesValue?: true
}

export interface IndexedKey {
  readonly summary: string
  /** The only values that it takes. */
  readonly options?: readonly string[]
}
