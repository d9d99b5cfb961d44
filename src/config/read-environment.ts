import type {WrittenValue} from '../model/config-answers.js'
import type {KeyTable} from './key-table.js'
import {environmentVariableOf} from './keys.js'
import type {ConfigProblem} from './problem.js'
import {tomlString} from './toml-text.js'
import {expectation, objectionTo, valueFromText} from './value-rules.js'

interface EnvironmentLayer {
  readonly values: ReadonlyMap<string, {readonly value: WrittenValue; readonly variable: string}>
  readonly problems: readonly ConfigProblem[]
}

/** The configuration in RUNCTL_… variables. An empty variable counts as unset. */
export function readEnvironment(env: Readonly<Record<string, string | undefined>>, keys: KeyTable): EnvironmentLayer {
  const values = new Map<string, {value: WrittenValue; variable: string}>()
  const problems: ConfigProblem[] = []
  for (const key of keys.names) {
    const definition = keys.definitionOf(key)
    const variable = environmentVariableOf(key, definition)
    const text = variable === null ? undefined : env[variable]
    if (variable === null || text === undefined || text === '') continue
    const value = valueFromText(definition, text)
    const objection = objectionTo(definition, value)
    if (objection === null) {
      values.set(key, {value, variable})
    } else {
      const hint = objection === '' ? '' : `; ${objection}`
      const message = `environment variable ${variable}: expected ${expectation(definition)}, found ${tomlString(text.slice(0, 60))}${hint}`
      problems.push({file: null, line: null, column: null, key, message})
    }
  }
  return {values, problems}
}
