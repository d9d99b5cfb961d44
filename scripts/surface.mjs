// The public surface in one file: docs/surface.json. What a plugin, a script or a habit may rely on stands there, one fact a line.
//   node scripts/surface.mjs          writes it, from dist/ and oclif.manifest.json
//   node scripts/surface.mjs --check  compares, and says what is new and what would break somebody
import {createHash} from 'node:crypto'
import {readdirSync, readFileSync, writeFileSync} from 'node:fs'
import path from 'node:path'
import {pathToFileURL} from 'node:url'

import {differences, factsOf, report} from './surface-facts.mjs'

const ROOT = path.dirname(import.meta.dirname)
const FILE = path.join(ROOT, 'docs', 'surface.json')
/** Whose declared members are promised: what providers, steps and callers of the agent are written against. */
const CONTRACTS = ['providers/provider', 'hooks/events', 'model/instance', 'model/checkpoint', 'model/errors', 'model/plugin-block', 'testing/provider-contract', 'testing/contract-subject', 'agent/client', 'agent/protocol']

const load = (file) => import(pathToFileURL(path.join(ROOT, 'dist', `${file}.js`)).href)
const text = (...parts) => readFileSync(path.join(ROOT, ...parts), 'utf8')

const [{EXIT_CODES}, {EVENT_RULES}, {CONFIG_KEYS, environmentVariableOf}, {PROVIDER_API_VERSION}] = await Promise.all(['model/errors', 'hooks/events', 'config/keys', 'providers/provider'].map(load))

const surface = {
  api_version: PROVIDER_API_VERSION,
  commands: commands(JSON.parse(text('oclif.manifest.json')).commands),
  exit_codes: EXIT_CODES,
  events: EVENT_RULES,
  config: Object.fromEntries(Object.entries(CONFIG_KEYS).map(([key, {default: value, type}]) => [key, {type, default: typeof value === 'function' ? 'computed' : value, variable: environmentVariableOf(key)}])),
  exports: {runctl: exported('index'), 'runctl/testing': exported('testing/index')},
  declarations: Object.fromEntries(CONTRACTS.map((name) => [name, declaredIn(text('dist', `${name}.d.ts`))])),
  json: Object.fromEntries(readdirSync(path.join(ROOT, 'docs', 'json')).sort().map((name) => [name.replace('.schema.json', ''), digest(text('docs', 'json', name))])),
}

function commands(all) {
  const shown = Object.entries(all).filter(([, {hidden}]) => !hidden)
  return Object.fromEntries(shown.map(([id, {aliases, args, flags}]) => [id.replaceAll(':', ' '), {
    ...(aliases.length > 0 ? {aliases} : {}),
    args: Object.fromEntries(Object.entries(args).map(([name, {options, required}]) => [name, {required: required === true, ...(options ? {options} : {})}])),
    flags: Object.fromEntries(Object.entries(flags).filter(([, {hidden}]) => !hidden).map(([name, flag]) => [name, flagOf(flag)])),
  }]))
}

function flagOf({aliases, allowNo, char, default: value, dependsOn, exclusive, multiple, options, required, type}) {
  const facts = {type, char, default: value, options, required, multiple, allowNo, aliases, exclusive, dependsOn}
  return Object.fromEntries(Object.entries(facts).filter(([, fact]) => fact !== undefined && fact !== false && !(Array.isArray(fact) && fact.length === 0)))
}

/** Names, and whether they are there at run time. */
function exported(name) {
  const found = {}
  for (const [, types, names] of text('dist', `${name}.d.ts`).matchAll(/^export (type )?\{([^}]*)\}/gm)) {
    for (const part of names.split(',').map((one) => one.trim()).filter(Boolean)) {
      const isType = types !== undefined || part.startsWith('type ')
      found[part.replace(/^type /, '')] = isType ? 'type' : 'value'
    }
  }
  return Object.fromEntries(Object.entries(found).sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** Declarations without comments, a line a fact. */
function declaredIn(source) {
  const bare = source.replaceAll(/\/\*[^]*?\*\//g, '').replaceAll(/^\s*\/\/.*$/gm, '')
  const lines = bare.split('\n').map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('import ') && line !== 'export {};')
  const found = {}
  let within = ''
  for (const line of lines) {
    const [, name] = /^(?:export )?(?:declare )?(?:interface|type|class|const|function) (\w+)/.exec(line) ?? []
    if (name !== undefined) within = name
    const entry = found[within] ?? []
    found[within] = [...entry, line]
  }
  return Object.fromEntries(Object.entries(found).map(([name, members]) => [name, Object.fromEntries(members.map((line) => [line, true]))]))
}

function digest(schema) {
  const without = JSON.stringify(JSON.parse(schema), (key, value) => (key === 'description' || key === 'title' || key === '$comment' ? undefined : value))
  return createHash('sha256').update(without).digest('hex').slice(0, 16)
}

const fresh = `${JSON.stringify(surface, null, 1)}\n`
if (process.argv.includes('--check')) {
  const found = differences(factsOf(JSON.parse(text('docs', 'surface.json'))), factsOf(JSON.parse(fresh)))
  if (found.breaking.length + found.added.length > 0) {
    console.error(report(found))
    process.exitCode = 1
  }
} else writeFileSync(FILE, fresh)
