// The whole of runctl, but for completion, which is answered without it (run.js).
import {dirname} from 'node:path'
import {handle, run, settings} from '@oclif/core'

import {loadConfig} from '../dist/cli/plugins/load-config.js'

async function start() {
  // A linked plugin runs as it was built, and oclif need not say so each time.
  settings.enableAutoTranspile = false
  const argv = process.argv.slice(2)
  // oclif makes another config of this one, with the same plugins.
  await run(argv, await loadConfig(dirname(import.meta.dirname), argv))
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
