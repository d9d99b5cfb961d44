/** `--watch` alone becomes `--watch=5s`: oclif knows no flag that may stand without its value. `looksLike`: the next word is its value. */
export function withDefaultValue(argv: readonly string[], flag: string, value: string, looksLike: RegExp): readonly string[] {
  const end = argv.indexOf('--')
  return argv.map((word, at) => {
    const isAlone = word === flag && (end === -1 || at < end) && !looksLike.test(argv[at + 1] ?? '')
    return isAlone ? `${flag}=${value}` : word
  })
}
