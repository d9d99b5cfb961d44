// Makes docs/json/*.schema.json from the types in src/cli/command-json.ts. With --check it only compares.
import {mkdir, readdir, readFile, rm, writeFile} from 'node:fs/promises'
import path from 'node:path'
import {createGenerator} from 'ts-json-schema-generator'

const root = path.resolve(import.meta.dirname, '..')
const folder = path.join(root, 'docs', 'json')
const check = process.argv.includes('--check')

const generator = createGenerator({
  path: path.join(root, 'src/cli/command-json.ts'),
  tsconfig: path.join(root, 'tsconfig.json'),
  type: 'CommandJson',
  // The compiler checks the types; the generator's own compiler is older than ours.
  skipTypeCheck: true,
  additionalProperties: false,
  topRef: false,
})
const whole = generator.createSchema('CommandJson')
const definitions = whole.definitions ?? {}

/** The definitions that a schema names, directly or through others. */
function reachable(schema, found = {}) {
  for (const [, name] of JSON.stringify(schema).matchAll(/"#\/definitions\/([^"]+)"/g)) {
    const key = decodeURIComponent(name)
    if (key in found) continue
    found[key] = definitions[key]
    reachable(definitions[key], found)
  }
  return found
}

const files = new Map()
for (const [command, schema] of Object.entries(whole.properties)) {
  const name = `${command.replaceAll(' ', '-')}.schema.json`
  const title = command === 'error' ? 'Any command that failed, under --json' : `runctl ${command} --json`
  const used = Object.fromEntries(Object.entries(reachable(schema)).toSorted(([a], [b]) => (a < b ? -1 : 1)))
  const document = {$schema: 'http://json-schema.org/draft-07/schema#', title, ...schema, definitions: used}
  files.set(name, JSON.stringify(document, null, 2) + '\n')
}

await mkdir(folder, {recursive: true})
const stale = (await readdir(folder)).filter(name => !files.has(name))
let differs = stale.length > 0
for (const [name, text] of files) {
  const file = path.join(folder, name)
  if ((await readFile(file, 'utf8').catch(() => '')) === text) continue
  differs = true
  if (!check) await writeFile(file, text)
}
if (!check) for (const name of stale) await rm(path.join(folder, name))
if (check && differs) {
  console.error('docs/json is not what src/cli/command-json.ts says: run `npm run schemas` and commit the result.')
  process.exit(1)
}
