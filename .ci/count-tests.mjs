// Adds up what mocha and unittest say of themselves in the log of `npm test`, and prints `N passed, N failed, N skipped`.
import {readFileSync} from 'node:fs'

const log = readFileSync(process.argv[2], 'utf8').replaceAll('\r\n', '\n')
const sum = {passed: 0, failed: 0, skipped: 0}
let runners = 0

/** The last one: a test that prints such a line itself stands before it. */
function last(pattern, text = log) {
  return [...text.matchAll(pattern)].at(-1)
}

const mocha = last(/^ {2}(\d+) passing \(.*\)$/gm)
if (mocha) {
  runners++
  const rest = log.slice(mocha.index)
  sum.passed += Number(mocha[1])
  sum.failed += Number(/^ {2}(\d+) failing$/m.exec(rest)?.[1] ?? 0)
  sum.skipped += Number(/^ {2}(\d+) pending$/m.exec(rest)?.[1] ?? 0)
}

const unittest = last(/^Ran (\d+) tests? in .*\n\n(OK|FAILED)(?: \((.*)\))?$/gm)
if (unittest) {
  runners++
  const counts = Object.fromEntries((unittest[3] ?? '').split(', ').map((part) => part.split('=')))
  const failed = Number(counts.failures ?? 0) + Number(counts.errors ?? 0) + Number(counts['unexpected successes'] ?? 0)
  const skipped = Number(counts.skipped ?? 0)
  sum.failed += failed
  sum.skipped += skipped
  sum.passed += Number(unittest[1]) - failed - skipped
}

console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`)
if (runners < 2) {
  console.log(`only ${runners} of the 2 test runners (mocha, unittest) came to a summary`)
  process.exitCode = 1
}
