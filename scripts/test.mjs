// Both suites at once, because both mostly wait: mocha's as it runs, the agent's when it is through. Arguments go to mocha; --retries counts for both.
import {spawn} from 'node:child_process'
import path from 'node:path'

const root = path.resolve(import.meta.dirname, '..')

function run(command, args, stdio) {
  const child = spawn(command, args, {cwd: root, stdio})
  const chunks = []
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => chunks.push(chunk))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({code: code ?? 1, output: Buffer.concat(chunks)}))
  })
}

const options = process.argv.slice(2)
const retries = /^--retries[= ](\d+)$/m.exec(options.join('\n').replaceAll('--retries\n', '--retries '))?.[1] ?? '0'
const agent = run(process.execPath, ['scripts/agent-tests.mjs', '--retries', retries], ['ignore', 'pipe', 'pipe'])
const mocha = await run(process.execPath, ['node_modules/mocha/bin/mocha.js', ...options], ['ignore', 'inherit', 'inherit'])
const {code, output} = await agent
console.log("\nThe agent's tests:")
process.stdout.write(output)
process.exitCode = mocha.code || code
