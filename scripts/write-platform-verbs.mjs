// Writes cli/platform-verbs.json into a built folder: the commands that runctl makes for the platforms of plugins, as oclif keeps commands that
// are not loaded (src/cli/plugins/verb-template.ts reads it).
//   node scripts/write-platform-verbs.mjs dist
import {readFileSync, writeFileSync} from 'node:fs'
import {dirname, join, relative, resolve} from 'node:path'

// Set before oclif is loaded: in development it would read the commands from src/ where it can.
process.env.NODE_ENV = 'production'
const {Plugin} = await import('@oclif/core')

const ROOT = dirname(import.meta.dirname)
const folder = relative(ROOT, resolve(process.argv[2] ?? 'dist')).replaceAll('\\', '/')

const {name, type, version} = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
const oclif = {commands: {strategy: 'explicit', target: `./${folder}/cli/plugins/template-commands.js`, identifier: 'templateCommands'}}
const plugin = new Plugin({errorOnManifestCreate: true, ignoreManifest: true, isRoot: true, pjson: {name, oclif, type, version}, respectNoCacheDefault: true, root: ROOT})
await plugin.load()
const commands = Object.entries(plugin.manifest.commands).sort(([a], [b]) => (a < b ? -1 : 1))
if (commands.length === 0) throw new Error('oclif found no commands of a platform')
// Whose they are is known when a plugin has them.
const whose = {pluginAlias: undefined, pluginName: undefined, pluginType: undefined}
writeFileSync(join(ROOT, folder, 'cli', 'platform-verbs.json'), `${JSON.stringify(Object.fromEntries(commands.map(([id, command]) => [id, {...command, ...whose}])))}\n`)
// Commands may import modules that keep a handle open.
process.exit(0)
