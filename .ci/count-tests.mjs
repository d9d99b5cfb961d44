// Adds up what mocha and unittest say of themselves in logs, that of `npm test` first, and prints `N passed, N failed, N skipped`.
// Beside `x.log` may lie `x.alone.log`: the files that failed, run once more; what failed there counts.
import {existsSync, readFileSync} from 'node:fs'

const read = (file) => readFileSync(file, 'utf8').replaceAll('\r\n', '\n')
const files = process.argv.slice(2)
const logs = files.map(read)
const sum = {passed: 0, failed: 0, skipped: 0}
let runners = 0

/** The last one: a test that prints such a line itself stands before it. */
function last(pattern, text) {
  return [...text.matchAll(pattern)].at(-1)
}

for (const [index, log] of logs.entries()) {
  const mocha = last(/^ {2}(\d+) passing \(.*\)$/gm, log)
  if (!mocha) continue
  runners++
  const rest = log.slice(mocha.index)
  const failed = failedIn(rest)
  const alone = files[index].replace(/\.log$/, '.alone.log')
  const failedAgain = failed > 0 && existsSync(alone) ? failedIn(read(alone)) : failed
  sum.passed += Number(mocha[1]) + Math.max(0, failed - failedAgain)
  sum.failed += failedAgain
  sum.skipped += Number(/^ {2}(\d+) pending$/m.exec(rest)?.[1] ?? 0)
}

function failedIn(text) {
  return Number(last(/^ {2}(\d+) failing$/gm, text)?.[1] ?? 0)
}

const unittest = last(/^Ran (\d+) tests? in .*\n\n(OK|FAILED)(?: \((.*)\))?$/gm, logs[0])
if (unittest) {
  runners++
  const counts = Object.fromEntries((unittest[3] ?? '').split(', ').map((part) => part.split('=')))
  // Those that were tried again (scripts/agent-tests.mjs) count as they ended.
  const again = last(/^ {2}\d+ of the agent's tried again, (\d+) failed again:$/gm, logs[0])
  const failed = again ? Number(again[1]) : Number(counts.failures ?? 0) + Number(counts.errors ?? 0) + Number(counts['unexpected successes'] ?? 0)
  const skipped = Number(counts.skipped ?? 0)
  sum.failed += failed
  sum.skipped += skipped
  sum.passed += Number(unittest[1]) - failed - skipped
}

console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`)
const expected = logs.length + 1
if (runners < expected) {
  console.log(`only ${runners} of the ${expected} test runners (unittest, and mocha in each log) came to a summary`)
  process.exitCode = 1
}
