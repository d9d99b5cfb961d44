// docs/commands/, made from oclif.manifest.json: a page for each topic. The verbs of platforms are the same on each and stand once.
//   node scripts/command-docs.mjs          writes them
//   node scripts/command-docs.mjs --check  compares
import {existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import path from 'node:path'

const ROOT = path.dirname(import.meta.dirname)
const FOLDER = path.join(ROOT, 'docs', 'commands')
const PLATFORMS = ['local', 'aws']
const all = Object.entries(JSON.parse(readFileSync(path.join(ROOT, 'oclif.manifest.json'), 'utf8')).commands).filter(([, {hidden}]) => !hidden)
const {topics} = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')).oclif
const schemas = readdirSync(path.join(ROOT, 'docs', 'json'))

const words = (id) => id.replaceAll(':', ' ')
const cell = (text) => text.replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('\n', ' ')
const filled = (text, id) => text.replaceAll('<%= config.bin %>', 'runctl').replaceAll('<%= command.id %>', words(id))

/** Pages by name: the ids of their commands, and how a command's platform is written. */
const pages = new Map()
for (const [id, command] of all) {
  const [topic] = id.split(':')
  const page = PLATFORMS.includes(topic) ? (topic === 'local' || !all.some(([other]) => other === id.replace(/^aws/, 'local')) ? 'platforms' : null) : id.includes(':') || all.some(([other]) => other.startsWith(`${id}:`)) ? topic : 'other'
  if (page !== null) pages.set(page, [...(pages.get(page) ?? []), [id, command]])
}

function commandText(id, command) {
  const isVerb = id === 'local' || id.startsWith('local:')
  const shown = isVerb ? words(id).replace(/^local/, 'PLATFORM') : words(id)
  const onAws = isVerb ? Object.fromEntries(all)[id.replace(/^local/, 'aws')] : undefined
  const args = Object.entries(command.args)
  const usage = [shown, ...args.map(([name, {required}]) => (required ? name.toUpperCase() : `[${name.toUpperCase()}]`))].join(' ')
  const flags = {...command.flags, ...onAws?.flags}
  const rows = Object.entries(flags).filter(([name, {hidden}]) => !hidden && !['json', 'output'].includes(name)).map(([name, flag]) => flagRow(name, flag, isVerb && !(name in command.flags)))
  const plain = (text) => (isVerb ? text.replaceAll(/\blocal\b/g, 'PLATFORM') : text)
  return [
    `## runctl ${shown}`,
    '',
    plain(command.summary ?? ''),
    ...(command.description ? ['', plain(command.description)] : []),
    '',
    '```',
    `runctl ${usage} [FLAGS]`,
    '```',
    ...(args.length === 0 ? [] : ['', '| argument | |', '|---|---|', ...args.map(([name, arg]) => `| \`${name.toUpperCase()}\` | ${cell(arg.description ?? '')}${arg.options ? ` One of: ${arg.options.join(', ')}.` : ''} |`)]),
    ...(rows.length === 0 ? [] : ['', '| flag | |', '|---|---|', ...rows]),
    ...(command.examples?.length > 0 ? ['', '```', ...command.examples.map((example) => filled(typeof example === 'string' ? example : example.command, id)), '```'] : []),
    ...schemaLine(id),
    '',
  ]
}

function flagRow(name, {allowNo, char, default: value, helpValue, multiple, options, required, summary, type}, isAwsOnly) {
  // In a code span only the bar is read by the table.
  const takes = type === 'boolean' ? '' : ` ${(options?.join('|') ?? helpValue ?? 'VALUE').replaceAll('|', '\\|')}`
  const remarks = [required ? 'Required.' : '', multiple ? 'Repeatable.' : '', value === undefined || value === false || Array.isArray(value) ? '' : `Default: ${String(value)}.`, isAwsOnly ? 'On aws.' : ''].filter((text) => text !== '' && !(summary ?? '').includes(text))
  return `| \`${char ? `-${char}, ` : ''}--${allowNo ? '[no-]' : ''}${name}${takes}\` | ${[cell(summary ?? ''), ...remarks].join(' ')} |`
}

function schemaLine(id) {
  const [topic, verb] = id.split(':')
  const name = PLATFORMS.includes(topic) ? (verb ?? 'workflow-run') : id === 'status' ? 'overview' : topic === 'workflow' ? 'workflow-run' : id.replaceAll(':', '-')
  const file = `${name}.schema.json`
  return schemas.includes(file) ? ['', `\`--json\`: [${file}](../json/${file})`] : []
}

const TITLES = {platforms: 'Instances of a platform', other: 'Everything else'}
const INTRODUCTIONS = {
  platforms: 'PLATFORM is `local`, `aws`, or the name of one that a plugin adds. The verbs are the same on each.',
}
const files = new Map()
for (const [page, commands] of pages) {
  const title = TITLES[page] ?? `runctl ${page}`
  const introduction = INTRODUCTIONS[page] ?? topics[page]?.description
  files.set(`${page}.md`, [`# ${title}`, '', ...(introduction ? [introduction, ''] : []), ...commands.flatMap(([id, command]) => commandText(id, command))].join('\n'))
}
const index = [...pages].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([page, commands]) => commands.map(([id, {summary}]) => {
  const shown = words(id).replace(/^local/, 'PLATFORM')
  return `| [\`runctl ${shown}\`](${page}.md#runctl-${shown.toLowerCase().replaceAll(' ', '-')}) | ${cell((summary ?? '').replaceAll(/\blocal\b/g, id.startsWith('local') ? 'PLATFORM' : 'local'))} |`
}))
files.set('README.md', ['# Commands', '', 'Every command takes `--json`, `--output json|text|table` and `--help`. What the exit statuses mean is in [errors.md](../errors.md), what comes out',
  'under `--json` in [json.md](../json.md). These pages are made from the commands themselves: `npm run docs`.', '', '| command | |', '|---|---|', ...index, ''].join('\n'))

const stale = existsSync(FOLDER) ? readdirSync(FOLDER).filter((name) => !files.has(name)) : []
const changed = [...files].filter(([name, text]) => !existsSync(path.join(FOLDER, name)) || readFileSync(path.join(FOLDER, name), 'utf8') !== text)
if (process.argv.includes('--check')) {
  if (stale.length + changed.length > 0) {
    console.error(`docs/commands is not what the commands say (${[...stale, ...changed.map(([name]) => name)].join(', ')}): npm run docs, and commit the result`)
    process.exitCode = 1
  }
} else {
  mkdirSync(FOLDER, {recursive: true})
  for (const name of stale) rmSync(path.join(FOLDER, name))
  for (const [name, text] of changed) writeFileSync(path.join(FOLDER, name), text)
}
