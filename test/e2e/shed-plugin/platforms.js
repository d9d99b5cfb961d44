const platforms = async () => [{
  name: 'shed',
  apiVersion: 1,
  description: 'Machines in the shed',
  ownsInstanceId: id => /^shed-[0-9]+$/.test(id),
  async create(environment) {
    const {ShedProvider} = await import('./shed-provider.js')
    return new ShedProvider(environment)
  },
}]

export default platforms
