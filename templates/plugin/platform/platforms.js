/** Light: every command that needs a platform loads this file. The provider is loaded when somebody opens the platform. */
/** @type {import('runctl').RunctlHook<'platforms'>} */
const platforms = async () => [{
  name: 'shed',
  apiVersion: 1,
  description: 'Machines in the shed',
  ownsInstanceId: id => /^shed-[0-9a-f]{8}$/.test(id),
  async create(environment) {
    const {ShedProvider} = await import('./provider.js')
    return new ShedProvider(environment)
  },
}]

export default platforms
