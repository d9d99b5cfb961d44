// Types every example of README.md, with the runctl that is on PATH, in this folder, in order: readme-examples.mjs README.md
// What is shown below a line is compared by its ids alone: they stand for those that come. Figures and times are nobody's promise.
import {spawnSync} from 'node:child_process'
import {readFileSync} from 'node:fs'

const ID = /\b(?:local-[0-9a-f]{8}|run-\d{8}-\d{6}-[0-9a-f]+)\b/g
/** Lines that cannot be typed here, and why. The same commands run to the letter on the bench of AWS: test/e2e/aws/as-written.test.ts. */
const LEFT_OUT = [
  [/^runctl aws /, 'wants an AWS account'],
  [/^runctl doctor i-/, 'wants an AWS account'],
]
if (spawnSync('jq', ['--version']).error) LEFT_OUT.push([/\| jq /, 'there is no jq here'])

const page = readFileSync(process.argv[2], 'utf8').replaceAll(/\\\n\s*/g, '')
const blocks = [...page.matchAll(/^```console\n([^]*?)^```$/gm)].map(([, block]) => block)
const typed = blocks.flatMap((block) => block.split(/^\$ /m).slice(1))
const ids = new Map()
const known = (text) => text.replaceAll(ID, (id) => ids.get(id) ?? id)
let count = 0

for (const part of typed) {
  const [line, ...shown] = part.trimEnd().split('\n')
  const why = LEFT_OUT.find(([shape]) => shape.test(line))?.[1]
  if (why) {
    console.log(`left out (${why}): ${line}`)
    continue
  }
  const command = known(line)
  const {status, stderr, stdout} = spawnSync('bash', ['-o', 'pipefail', '-c', command], {encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe']})
  if (status !== 0) {
    console.error(`README.md: ${command}\nended with ${status}\n${stdout}${stderr}`)
    process.exit(1)
  }
  const unknown = [...new Set(shown.join('\n').match(ID) ?? [])].filter((id) => !ids.has(id))
  const given = [...new Set(`${stderr}${stdout}`.match(ID) ?? [])].filter((id) => ![...ids.values()].includes(id))
  for (const kind of ['local', 'run']) {
    const came = given.filter((id) => id.startsWith(kind))
    for (const [at, id] of unknown.filter((one) => one.startsWith(kind)).entries()) if (came[at]) ids.set(id, came[at])
  }
  console.log(`ok: ${command}`)
  count++
}
if (count < 10) throw new Error(`README.md: only ${count} examples were found`)
console.log(`${count} of ${typed.length} examples of README.md were typed`)
