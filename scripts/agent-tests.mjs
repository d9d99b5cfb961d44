// Runs the agent's tests, and with `--retries N` those that failed up to N times again: a machine under load makes one late now and then. What was tried again is
// named at the end, where .ci/count-tests.mjs reads the figures too. `--top` and `--tests` are for the tests of this file.
import {spawnSync} from 'node:child_process'
import path from 'node:path'
import {parseArgs} from 'node:util'

const root = path.resolve(import.meta.dirname, '..')
const {values} = parseArgs({options: {
  retries: {type: 'string', default: '0'}, top: {type: 'string', default: path.join(root, 'agent')}, tests: {type: 'string', default: path.join(root, 'agent/tests')},
}})

function unittest(...argv) {
  const {error, status, stderr, stdout} = spawnSync('python3', ['-m', 'unittest', ...argv, '-q'], {cwd: values.top, encoding: 'utf8', maxBuffer: 1 << 28})
  if (error) throw error
  return {code: status ?? 1, output: stdout + stderr}
}

/** What to call each failed test, class or module by, so that unittest finds it. Python 3.11 and later name the whole test in brackets, those before its class. */
function failedIn(output) {
  const names = [...output.matchAll(/^(?:FAIL|ERROR): (\S+) \(([\w.]+)\)/gm)].map(([, test, where]) => {
    if (where.startsWith('unittest.loader.')) return test
    if (test.startsWith('setUp') || test.startsWith('tearDown') || where.endsWith(`.${test}`)) return where
    return `${where}.${test}`
  })
  return [...new Set(names)]
}

let {code, output} = unittest('discover', '-s', values.tests, '-t', values.top)
process.stdout.write(output)
const first = failedIn(output)
let failed = first
for (let left = Number(values.retries); left > 0 && failed.length > 0; left--) {
  ;({code, output} = unittest(...failed))
  // Indented: a summary at the begin of a line is that of all tests.
  process.stdout.write(output.replaceAll(/^(?=.)/gm, '  '))
  failed = code === 0 ? [] : failedIn(output)
}
if (Number(values.retries) > 0 && first.length > 0) {
  // A module that cannot be loaded has a shorter name the second time.
  console.log(`\n  ${first.length} of the agent's tried again, ${failed.length} failed again:`)
  for (const name of first) console.log(`    ${name}${failed.some(one => name === one || name.endsWith(`.${one}`)) ? ' (failed again)' : ''}`)
}
process.exitCode = code
