import {Config} from '@oclif/core'

import {preparePlugins} from './prepare-plugins.js'

/** What takes a plugin away must not need it to load: whatever it does then, it can be got rid of. */
const RESCUES = ['uninstall', 'unlink', 'remove', 'reset']

/**
 * oclif's configuration with the plugins as they count here. One that cannot be loaded is left out; the commands that need plugins say so
 * (added-plugins.ts). `runctl plugins …` runs no hooks of plugins.
 */
export async function loadConfig(root: string, argv: readonly string[]): Promise<Config> {
  passOverOclifWarnings()
  const [topic, verb = ''] = argv[0]?.split(':').length === 2 ? argv[0].split(':') : argv
  const userPlugins = !(topic === 'plugins' && RESCUES.includes(verb))
  const config = await Config.load({root, userPlugins}).catch(() => loadOneByOne(root))
  await preparePlugins(config, {keepHooks: topic !== 'plugins'})
  return config
}

/** oclif takes most of what is wrong with a plugin, but not all. */
async function loadOneByOne(root: string): Promise<Config> {
  const config = await Config.load({root, userPlugins: false})
  const {listedPlugins, loadListed} = await import('./listed-plugins.js')
  for (const listed of await listedPlugins(config.dataDir)) {
    const plugin = await loadListed(listed).catch(() => null)
    if (plugin !== null) config.plugins.set(plugin.name, plugin)
  }
  return config
}

/** Node would print them on every run, and they do not name the plugin. With DEBUG they are shown. */
function passOverOclifWarnings(): void {
  if (process.env['DEBUG']) return
  const printers = process.listeners('warning')
  process.removeAllListeners('warning')
  process.on('warning', (warning: Error & {readonly detail?: string}) => {
    if (warning.detail?.includes('module: @oclif/core@') || /^Mismatched version in .* plugin manifest/.test(warning.message)) return
    for (const print of printers) print(warning)
  })
}
