import {execFileSync} from 'node:child_process'
import {createHash} from 'node:crypto'
import {mkdtemp, readFile, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import path from 'node:path'

import type {AgentFile} from '../../src/agent/agent-file.js'

const PROGRAM = `
import json, os, sys
line = sys.stdin.buffer.readline()
rest = sys.stdin.buffer.read()
print(json.dumps({"verb": sys.argv[1], "request": json.loads(line), "rest": rest.hex(), "pid": os.getpid(), "isolated": sys.flags.isolated}))
`

/** A zipapp that answers with what it was given. */
export async function tinyAgent(program = PROGRAM): Promise<AgentFile> {
  const folder = await mkdtemp(path.join(tmpdir(), 'runctl-agent-'))
  try {
    await writeFile(path.join(folder, '__main__.py'), program)
    execFileSync('python3', ['-m', 'zipapp', folder, '-o', `${folder}.pyz`])
    const bytes = await readFile(`${folder}.pyz`)
    return {bytes, sha256: createHash('sha256').update(bytes).digest('hex')}
  } finally {
    await rm(folder, {recursive: true})
    await rm(`${folder}.pyz`, {force: true})
  }
}
