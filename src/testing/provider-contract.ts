import type {Provider} from '../providers/provider.js'
import {check} from './assertions.js'
import {ContractSubject, type ContractOptions} from './contract-subject.js'
import {INSTANCE_CONTRACT} from './instance-contract.js'
import {MONEY_CONTRACT} from './money-contract.js'
import {SHELL_CONTRACT} from './shell-contract.js'
import {cleanStore, STORE_CONTRACT, storePrefix} from './store-contract.js'

/** One test. `run` rejects with a ContractViolation where the provider breaks the contract. */
export interface ContractCase {
  readonly title: string
  run(this: void): Promise<void>
}

/**
 * The platform contract as tests, for any test runner: `for (const c of providerContract(make)) it(c.title, c.run)`. Every case makes
 * its own provider and instances, in any order or at once, and terminates the instances at its end, also when it fails. The cases of the
 * store are there where `storeUri` is given.
 */
export function providerContract(makeProvider: () => Promise<Provider> | Provider, options: ContractOptions = {}): readonly ContractCase[] {
  const {storeUri} = options
  return [
    ...Object.entries({...INSTANCE_CONTRACT, ...MONEY_CONTRACT, ...SHELL_CONTRACT}).map(([title, test]) => contractCase(title, async () => {
      const subject = new ContractSubject(await makeProvider(), options)
      return {test: () => test(subject), cleanUp: () => subject.cleanUp()}
    })),
    ...(storeUri === undefined ? [] : Object.entries(STORE_CONTRACT)).map(([title, test]) => contractCase(title, async () => {
      const {store} = await makeProvider()
      check(store !== undefined, 'storeUri is given, and the provider has no store')
      const subject = {store, prefix: storePrefix(storeUri ?? '')}
      return {test: () => test(subject), cleanUp: () => cleanStore(subject)}
    })),
  ]
}

function contractCase(title: string, prepare: () => Promise<{test: () => Promise<void>; cleanUp: () => Promise<void>}>): ContractCase {
  return {
    title,
    async run() {
      const {cleanUp, test} = await prepare()
      try {
        await test()
      } catch (error) {
        // What broke first is what is told.
        await cleanUp().catch(() => undefined)
        throw error
      }
      await cleanUp()
    },
  }
}
