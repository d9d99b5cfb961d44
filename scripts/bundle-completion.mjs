// Makes one file of what a completion loads: Node takes about a millisecond for each module, and a completion is waited for at every press of TAB.
//   node scripts/bundle-completion.mjs dist
import {join} from 'node:path'
import {build} from 'esbuild'

const folder = join(process.argv[2] ?? 'dist', 'complete')
await build({
  entryPoints: [join(folder, 'main.js')],
  outfile: join(folder, 'main.js'),
  allowOverwrite: true,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  // Loaded only where something is old.
  external: ['./start-refresh.js'],
  logLevel: 'warning',
})
