/**
 * The team's rules for new machines, before anything is made. What throws here is a veto: nothing is made, and the sentence is shown.
 * @type {import('runctl').RunctlHook<'precreate'>}
 */
const keepTheRules = async ({platform, provider, request, RunctlError, settings, signal}) => {
  const {max_usd_per_hour: most, name_required: nameRequired} = settings['team'] ?? {}
  if (nameRequired === true && request.name === undefined) {
    throw new RunctlError('bad_input', 'our machines have names that say what they are for', {next: [`runctl ${platform} create --name what-for`]})
  }
  if (typeof most !== 'number') return
  const usd = await priceOf(provider, request, signal)
  if (usd === null) throw new RunctlError('platform_failed', `what it would cost is not known, and ours cost at most $${most.toFixed(2)} an hour`, {next: ['runctl team who']})
  if (usd > most) throw new RunctlError('over_budget', `it would cost $${usd.toFixed(2)} an hour; ours cost at most $${most.toFixed(2)}`, {next: ['runctl team who']})
}

/** What a plan says, where the platform makes one; else what it says of its machines. */
async function priceOf(provider, request, signal) {
  if (provider.planCreate) {
    const {atMostUsdPerHour, usdPerHour} = await provider.planCreate(request, {signal})
    return atMostUsdPerHour ?? usdPerHour
  }
  const instance = {id: '', platform: provider.name, instanceType: request.instanceType ?? null, lifecycle: 'on-demand', tags: request.tags}
  return (await provider.pricing?.hourlyPrice(instance, {signal}))?.usdPerHour ?? null
}

export default keepTheRules
