// Writes dist/complete/commands.json from the manifests of runctl and of oclif's plugins, and from the keys of the configuration: all that completion
// knows of commands, small enough to be read at every press of a key.
import {readFileSync, renameSync, writeFileSync} from 'node:fs'
import {dirname, join} from 'node:path'

import {indexCommands} from '../dist/complete/index-commands.js'
import {CONFIG_KEYS} from '../dist/config/keys.js'

const ROOT = dirname(import.meta.dirname)
const FILE = join(ROOT, 'dist', 'complete', 'commands.json')
const readJson = (...parts) => JSON.parse(readFileSync(join(ROOT, ...parts), 'utf8'))

const {oclif} = readJson('package.json')
const packages = oclif.plugins.map(name => join('node_modules', ...name.split('/')))
// runctl's own commands go before those of oclif's plugins.
const all = Object.assign({}, ...[...packages, '.'].map(folder => indexCommands(readJson(folder, 'oclif.manifest.json'))))

// The same flag of many commands stands there once.
const flags = []
const places = new Map()
const placeOf = flag => {
  const text = JSON.stringify(flag)
  if (!places.has(text)) places.set(text, flags.push(flag) - 1)
  return places.get(text)
}
const commands = Object.fromEntries(Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1)).map(([id, command]) => [id, {...command, flags: command.flags.map(placeOf)}]))

const pluginTopics = Object.assign({}, ...packages.map(folder => readJson(folder, 'package.json').oclif?.topics ?? {}))
const topics = Object.fromEntries(Object.entries({...pluginTopics, ...oclif.topics}).filter(([name]) => Object.keys(commands).some(id => id.startsWith(`${name} `))).map(([name, {description = ''}]) => [name, description]))
const platforms = Object.keys(commands).filter(id => id.endsWith(' create')).map(id => id.split(' ')[0])
const configKeys = Object.fromEntries(Object.entries(CONFIG_KEYS).map(([key, {choices, description, type}]) =>
  [key, {summary: description, ...(choices ? {options: choices} : type === 'boolean' ? {options: ['true', 'false']} : {})}]))

writeFileSync(`${FILE}.tmp`, JSON.stringify({flags, commands, topics, platforms, configKeys}))
renameSync(`${FILE}.tmp`, FILE)
