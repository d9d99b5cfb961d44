import type {Provider} from '../providers/provider.js'
import {ContractSubject, type ContractOptions} from './contract-subject.js'
import {INSTANCE_CONTRACT} from './instance-contract.js'
import {SHELL_CONTRACT} from './shell-contract.js'

/** One test. `run` rejects with a ContractViolation where the provider breaks the contract. */
export interface ContractCase {
  readonly title: string
  run(this: void): Promise<void>
}

/**
 * The platform contract as tests, for any test runner: `for (const c of providerContract(make)) it(c.title, c.run)`. Every case makes
 * its own provider and instances, in any order or at once, and terminates the instances at its end, also when it fails.
 */
export function providerContract(makeProvider: () => Promise<Provider> | Provider, options: ContractOptions = {}): readonly ContractCase[] {
  return Object.entries({...INSTANCE_CONTRACT, ...SHELL_CONTRACT}).map(([title, test]) => ({
    title,
    async run() {
      const subject = new ContractSubject(await makeProvider(), options)
      try {
        await test(subject)
      } catch (error) {
        // What broke first is what is told.
        await subject.cleanUp().catch(() => undefined)
        throw error
      }
      await subject.cleanUp()
    },
  }))
}
