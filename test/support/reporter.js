// The spec reporter, and at the end the names of tests that passed only when they were tried again: nobody may overlook those. The files whose
// tests failed all the same are written, one a line, to the file that RUNCTL_TEST_FAILED_FILES names.
import {writeFileSync} from 'node:fs'
import path from 'node:path'
import Mocha from 'mocha'

const {EVENT_RUN_END, EVENT_TEST_FAIL, EVENT_TEST_RETRY} = Mocha.Runner.constants

export default class Reporter extends Mocha.reporters.Spec {
  constructor(runner, options) {
    super(runner, options)
    const retried = new Map()
    const failed = new Set()
    runner.on(EVENT_TEST_RETRY, (test, error) => retried.set(test.fullTitle(), error))
    runner.on(EVENT_TEST_FAIL, ({file}) => failed.add(file ? path.relative(process.cwd(), file) : 'a file that is not known'))
    runner.once(EVENT_RUN_END, () => {
      if (process.env.RUNCTL_TEST_FAILED_FILES) writeFileSync(process.env.RUNCTL_TEST_FAILED_FILES, [...failed].map((file) => `${file}\n`).join(''))
      if (retried.size === 0) return
      console.log(`  ${retried.size} tried again:`)
      for (const [title, error] of retried) console.log(`    ${title}\n      ${String(error?.message ?? error).split('\n')[0]}`)
    })
  }
}
