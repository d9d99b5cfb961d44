// The spec reporter, and at the end the names of tests that passed only when they were tried again: nobody may overlook those.
import Mocha from 'mocha'

const {EVENT_RUN_END, EVENT_TEST_RETRY} = Mocha.Runner.constants

export default class Reporter extends Mocha.reporters.Spec {
  constructor(runner, options) {
    super(runner, options)
    const retried = new Map()
    runner.on(EVENT_TEST_RETRY, (test, error) => retried.set(test.fullTitle(), error))
    runner.once(EVENT_RUN_END, () => {
      if (retried.size === 0) return
      console.log(`  ${retried.size} tried again:`)
      for (const [title, error] of retried) console.log(`    ${title}\n      ${String(error?.message ?? error).split('\n')[0]}`)
    })
  }
}
