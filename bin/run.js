#!/usr/bin/env node
import {execute} from '@oclif/core'

await execute({dir: import.meta.url})
// A plugin's hook may leave a live handle behind (a socket, a timer). The result is printed by now:
// leave shortly after the event loop has had its chance, whatever is still open.
setTimeout(() => process.exit(), 200).unref()
