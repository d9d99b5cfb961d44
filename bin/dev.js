#!/usr/bin/env -S node --import tsx
import {execute} from '@oclif/core'

// Runs the TypeScript in src/. The manifest is ignored: one that is older than src/ would hide new commands.
await execute({development: true, dir: import.meta.url, loadOptions: {root: import.meta.dirname, ignoreManifest: true}})
