#!/usr/bin/env -S node --
// The `--` above: without it Node 20 takes --env-file for itself, wherever it stands on the command line.
import {dirname} from 'node:path'
import {Config, handle, run} from '@oclif/core'

import {preparePlugins} from '../dist/cli/plugins/prepare-plugins.js'

async function start() {
  const config = await Config.load({root: dirname(import.meta.dirname)})
  await preparePlugins(config)
  // oclif makes another config of this one, with the same plugins.
  await run(process.argv.slice(2), config)
}

// Not `execute`: that gives a slow reader of the output ten seconds and then ends with an error.
await start().catch(handle)
// What is still on its way to a pager or a pipe arrives. After Ctrl-C (or SIGTERM, SIGHUP) nobody waits for that.
if (![129, 130, 143].includes(process.exitCode)) {
  const unsent = [process.stdout, process.stderr].filter(stream => stream.writableLength > 0)
  await Promise.all(unsent.map(stream => new Promise(resolve => stream.write('', resolve))))
}
// A plugin's hook may leave a live handle behind (a socket, a timer). The result is printed by now:
// leave shortly after the event loop has had its chance, whatever is still open.
setTimeout(() => process.exit(), 200).unref()
