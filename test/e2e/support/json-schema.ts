import {readFileSync} from 'node:fs'
import path from 'node:path'
import {Ajv, type ValidateFunction} from 'ajv'

import {REPOSITORY} from './repository.js'

const VERBS = ['create', 'exec', 'extend', 'monitor', 'processes', 'pull', 'push', 'start', 'status', 'stop', 'terminate', 'train', 'wait']
const ajv = new Ajv({strict: false, allErrors: true})
const compiled = new Map<string, ValidateFunction>()

/** The schema of what `argv` prints: the platform's name of a verb goes, its one-shot form and `workflow train` are `workflow run`. */
export function schemaName(argv: readonly string[]): string {
  const [first = '', second = ''] = argv
  if (first === 'aws' && second === 'setup') return 'setup'
  if (['aws', 'local', 'ssh'].includes(first)) return VERBS.includes(second) ? second : 'workflow-run'
  if (first === 'workflow') return 'workflow-run'
  if (first === 'status') return 'overview'
  if (first === 'doctor' || first === 'init') return first
  if (first === 'plugins' && !/^[a-z]/.test(second)) return first
  return `${first}-${second}`
}

/** Throws unless `text` is one JSON document that docs/json/<name>.schema.json allows; the document. */
export function validated(text: string, name: string): unknown {
  const document: unknown = JSON.parse(text)
  let validate = compiled.get(name)
  if (!validate) {
    validate = ajv.compile(JSON.parse(readFileSync(path.join(REPOSITORY, 'docs', 'json', `${name}.schema.json`), 'utf8')))
    compiled.set(name, validate)
  }
  if (validate(document)) return document
  throw new Error(`not what docs/json/${name}.schema.json says: ${ajv.errorsText(validate.errors)}\n${text}`)
}
