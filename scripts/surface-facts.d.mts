export interface Differences {
  readonly breaking: readonly string[]
  readonly added: readonly string[]
}
export function factsOf(surface: object): ReadonlyMap<string, string>
export function differences(old: ReadonlyMap<string, string>, now: ReadonlyMap<string, string>): Differences
export function report(differences: Differences): string
