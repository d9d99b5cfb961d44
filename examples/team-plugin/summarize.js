/**
 * Running machines by owner, those that cost most first. A platform that does not answer is left out, with a warning.
 * @param {import('runctl').RunctlApi} runctl
 */
export async function summarize(runctl) {
  const rows = new Map()
  const warnings = []
  for (const name of await runctl.platformNames()) {
    try {
      const provider = await runctl.openPlatform(name)
      // All of a platform, or nothing of it: a sum of a part looks like a whole one.
      const found = []
      for await (const instance of provider.describeInstances({states: ['pending', 'running']})) {
        found.push({instance, usd: (await provider.pricing?.hourlyPrice(instance))?.usdPerHour ?? null})
      }
      for (const {instance, usd} of found) {
        const owner = instance.tags['runctl:owner'] ?? null
        const row = rows.get(owner) ?? {owner, cost_per_hour: 0, instances: []}
        // A sum with something unknown in it is not known.
        const cost = row.cost_per_hour === null || usd === null ? null : row.cost_per_hour + usd
        rows.set(owner, {...row, cost_per_hour: cost, instances: [...row.instances, {id: instance.id, platform: name, name: instance.name, cost_per_hour: usd}]})
      }
    } catch (error) {
      warnings.push(`${name} is left out: ${error.message}`)
    }
  }
  const order = ({cost_per_hour: usd}) => usd ?? Infinity
  return {rows: [...rows.values()].sort((a, b) => order(b) - order(a)), warnings}
}
