#!/usr/bin/env -S node --
// The `--` above: without it Node 20 takes --env-file for itself, wherever it stands on the command line.
import {execute} from '@oclif/core'

await execute({dir: import.meta.url})
// A plugin's hook may leave a live handle behind (a socket, a timer). The result is printed by now:
// leave shortly after the event loop has had its chance, whatever is still open.
setTimeout(() => process.exit(), 200).unref()
