/** Conditions of policies, as far as the roles of instances need them. */

/** What is known of a request: `aws:TagKeys`, `aws:ResourceTag/NAME`. A key that has no value is absent. */
export type ConditionContext = Readonly<Record<string, readonly string[]>>

type Conditions = Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>

/** Whether all hold. Throws for an operator that this bench does not know: to pass over it would be to allow too much. */
export function conditionsHold(conditions: unknown, context: ConditionContext): boolean {
  if (conditions === undefined) return true
  return Object.entries(conditions as Conditions).every(([operator, keys]) =>
    Object.entries(keys).every(([key, wanted]) => holds(operator, lookUp(context, key), [wanted].flat())))
}

/** Names of keys, tags' too, know no case. */
function lookUp(context: ConditionContext, key: string): readonly string[] {
  return Object.entries(context).find(([name]) => name.toLowerCase() === key.toLowerCase())?.[1] ?? []
}

function holds(operator: string, values: readonly string[], wanted: readonly string[]): boolean {
  const [, set, name = ''] = /^(?:(ForAllValues|ForAnyValue):)?(\w+)$/.exec(operator) ?? []
  if (name === 'Null') return wanted.every((want) => (want === 'true') === (values.length === 0))
  const compare = COMPARISONS[name]
  if (compare === undefined) throw new Error(`the bench does not know the condition operator ${operator}`)
  const matches = (value: string): boolean => compare.negated !== wanted.some((want) => compare.equal(value, want))
  if (set === 'ForAllValues') return values.every(matches)
  if (set === 'ForAnyValue') return values.some(matches)
  return values.length === 0 ? compare.negated : values.every(matches)
}

const same = (a: string, b: string): boolean => a === b
const alike = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase()

const COMPARISONS: Readonly<Record<string, {readonly negated: boolean; readonly equal: (value: string, want: string) => boolean}>> = {
  StringEquals: {negated: false, equal: same},
  StringEqualsIgnoreCase: {negated: false, equal: alike},
  StringNotEquals: {negated: true, equal: same},
  StringNotEqualsIgnoreCase: {negated: true, equal: alike},
}
