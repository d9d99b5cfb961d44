import {spawnSync} from 'node:child_process'
import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import path from 'node:path'
import {expect} from 'chai'

const ROOT = path.resolve(import.meta.dirname, '../..')
/** Passes from the second time on; what has run is remembered in a file. */
const SOMETIMES = `import os, unittest

def again(name):
    here = os.path.join(os.path.dirname(__file__), name)
    if os.path.exists(here):
        return True
    open(here, "w").close()
    return False

class SometimesTest(unittest.TestCase):
    def test_late(self):
        for part in (1, 2):
            with self.subTest(part=part):
                self.assertTrue(again("late-%d" % part))

    def test_good(self):
        with open(os.path.join(os.path.dirname(__file__), "good"), "a") as file:
            file.write("x")
`
const BY_CLASS = `import unittest
from tests.test_sometimes import again

class SlowTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not again("class"):
            raise OSError("not yet")

    def test_one(self):
        pass
`
const NEVER = 'import unittest\n\nclass NeverTest(unittest.TestCase):\n    def test_never(self):\n        self.fail("as always")\n'

describe("the runner of the agent's tests", () => {
  let top: string
  beforeEach(() => {
    top = mkdtempSync(path.join(tmpdir(), 'runctl-agent-tests-'))
    mkdirSync(path.join(top, 'tests'))
    for (const [name, text] of [['__init__', ''], ['test_sometimes', SOMETIMES], ['test_class', BY_CLASS]] as const) writeFileSync(path.join(top, 'tests', `${name}.py`), text)
  })
  afterEach(() => rmSync(top, {recursive: true}))

  function run(retries: string): {readonly code: number | null; readonly stdout: string; readonly counted: string} {
    const {status, stdout} = spawnSync('node', ['scripts/agent-tests.mjs', '--retries', retries, '--top', top, '--tests', path.join(top, 'tests')], {cwd: ROOT, encoding: 'utf8'})
    const log = path.join(top, 'log')
    writeFileSync(log, `  5 passing (1s)\n  1 pending\n${stdout}`)
    return {code: status, stdout, counted: spawnSync('node', ['.ci/count-tests.mjs', log], {cwd: ROOT, encoding: 'utf8'}).stdout}
  }

  it('tries a test and a class again that failed, and nothing else, names them, and counts them as they ended', () => {
    const {code, counted, stdout} = run('1')
    expect(code, stdout).to.equal(0)
    expect(stdout).to.contain("2 of the agent's tried again, 0 failed again:\n").and.to.contain('\n    tests.test_sometimes.SometimesTest.test_late\n').and.to.contain('\n    tests.test_class.SlowTest\n')
    expect(counted).to.equal('7 passed, 0 failed, 1 skipped\n')
    expect(spawnSync('cat', [path.join(top, 'tests', 'good')], {encoding: 'utf8'}).stdout).to.equal('x')
  })

  it('fails where one fails again, and says which', () => {
    writeFileSync(path.join(top, 'tests', 'test_never.py'), NEVER)
    const {code, counted, stdout} = run('1')
    expect(code).to.not.equal(0)
    expect(stdout).to.contain("3 of the agent's tried again, 1 failed again:\n").and.to.contain('\n    tests.test_never.NeverTest.test_never (failed again)\n')
    expect(counted).to.match(/^7 passed, 1 failed, 1 skipped\n/)
  })

  it('tries nothing again without being asked', () => {
    const {code, counted, stdout} = run('0')
    expect(code).to.not.equal(0)
    expect(stdout).to.not.contain('tried again')
    expect(counted).to.match(/, 3 failed, 1 skipped\n/)
  })

  it('names a module that cannot be loaded, and fails', () => {
    writeFileSync(path.join(top, 'tests', 'test_broken.py'), 'import no_such_module\n')
    const {code, stdout} = run('1')
    expect(code).to.not.equal(0)
    expect(stdout).to.contain('tests.test_broken (failed again)')
  })
})
