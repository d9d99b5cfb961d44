#!/usr/bin/env -S node --
// The `--` above: without it Node 20 takes --env-file for itself, wherever it stands on the command line.

// A completion is waited for at every press of a key: it is answered before oclif is loaded.
await import(process.argv[2] === '__complete' ? '../dist/complete/main.js' : './cli.js')
