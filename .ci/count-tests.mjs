// Adds up what mocha and unittest say of themselves in logs, that of `npm test` first, and prints `N passed, N failed, N skipped`.
import {readFileSync} from 'node:fs'

const logs = process.argv.slice(2).map((file) => readFileSync(file, 'utf8').replaceAll('\r\n', '\n'))
const sum = {passed: 0, failed: 0, skipped: 0}
let runners = 0

/** The last one: a test that prints such a line itself stands before it. */
function last(pattern, text) {
  return [...text.matchAll(pattern)].at(-1)
}

for (const log of logs) {
  const mocha = last(/^ {2}(\d+) passing \(.*\)$/gm, log)
  if (!mocha) continue
  runners++
  const rest = log.slice(mocha.index)
  sum.passed += Number(mocha[1])
  sum.failed += Number(/^ {2}(\d+) failing$/m.exec(rest)?.[1] ?? 0)
  sum.skipped += Number(/^ {2}(\d+) pending$/m.exec(rest)?.[1] ?? 0)
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
