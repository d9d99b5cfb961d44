import type {ResourcePlace} from '../../src/core/resource-place.js'
import type {FakeDeps} from './fake-deps.js'

/** The fakes as a place; what is done with one of its instances is done with the same fakes. */
export const placeOf = (deps: FakeDeps, before = ''): ResourcePlace => ({deps, before, scoped: () => Promise.resolve(deps)})
