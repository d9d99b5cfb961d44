#!/usr/bin/env -S node --import tsx
import {dirname} from 'node:path'
import {Config, flush, handle, Plugin, run, settings} from '@oclif/core'

import {preparePlugins} from '../src/cli/plugins/prepare-plugins.js'

// The TypeScript in src/, as `execute({development: true})` of oclif runs it.
async function start() {
  process.env.NODE_ENV = 'development'
  settings.debug = true
  const root = dirname(import.meta.dirname)
  // The manifest is ignored: one that is older than src/ would hide new commands. Only a plugin that is loaded by hand can be told so.
  const runctl = new Plugin({ignoreManifest: true, isRoot: true, root})
  await runctl.load()
  const config = new Config({root, plugins: new Map([[runctl.name, runctl]])})
  await config.load()
  await config.loadPluginsAndCommands({force: true})
  await preparePlugins(config)
  await run(process.argv.slice(2), config)
  await flush()
}

await start().catch(handle)
