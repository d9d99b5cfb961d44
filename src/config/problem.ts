import {relative} from 'node:path'

import {RunctlError} from '../model/errors.js'

/** One thing wrong with the configuration. Also its JSON form. */
export interface ConfigProblem {
  /** Absolute path; null where the value is from an environment variable. */
  readonly file: string | null
  /** From 1. */
  readonly line: number | null
  /** From 1, in UTF-16 units. */
  readonly column: number | null
  /** The key as it was written; null for syntax errors. */
  readonly key: string | null
  readonly message: string
}

/** All problems at once, a line each: `.runctl.toml:3:1: unknown key …`. Paths below `cwd` are shown relative to it. */
export function configError(problems: readonly ConfigProblem[], cwd: string, next: readonly string[] = []): RunctlError {
  const lines = problems.map(problem => `${place(problem, cwd)}${problem.message}`)
  const message = lines.length === 1 ? lines.join('') : `the configuration has ${lines.length} problems:\n${lines.join('\n')}`
  return new RunctlError('bad_input', message, {next, details: {problems}})
}

function place({file, line, column}: ConfigProblem, cwd: string): string {
  if (file === null) return ''
  const near = relative(cwd, file)
  const path = near === '' || near.startsWith('..') ? file : near
  return `${[path, line, column].filter(part => part !== null).join(':')}: `
}
