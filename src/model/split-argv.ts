export interface SplitArgv {
  /** What is runctl's own. */
  readonly own: readonly string[]
  /** What follows the first `--`, exactly; null where there is no `--`. */
  readonly rest: readonly string[] | null
}

/** Splits before any parsing: oclif's parser reorders what follows `--` when values repeat. */
export function splitArgv(argv: readonly string[]): SplitArgv {
  const at = argv.indexOf('--')
  return at === -1 ? {own: argv, rest: null} : {own: argv.slice(0, at), rest: argv.slice(at + 1)}
}
