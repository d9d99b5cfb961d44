/** `runctl/testing`: the platform contract as tests, for authors of platforms. */
export {ContractViolation} from './assertions.js'
export type {ContractOptions} from './contract-subject.js'
export {providerContract, type ContractCase} from './provider-contract.js'
