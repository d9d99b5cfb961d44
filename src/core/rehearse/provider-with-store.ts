import type {ObjectStore, Provider} from '../../providers/provider.js'

/** The same platform, as one that has a store: what runs on its instances may write there. */
export function providerWithStore(provider: Provider, store: ObjectStore): Provider {
  return {
    name: provider.name,
    shell: provider.shell,
    store,
    ...(provider.pricing ? {pricing: provider.pricing} : {}),
    createInstance: (request, options) => provider.createInstance(request, options),
    describeInstances: (query, options) => provider.describeInstances(query, options),
    startInstance: (id, options) => provider.startInstance(id, options),
    stopInstance: (id, options) => provider.stopInstance(id, options),
    terminateInstance: (id, options) => provider.terminateInstance(id, options),
    setTags: (id, tags, options) => provider.setTags(id, tags, options),
  }
}
