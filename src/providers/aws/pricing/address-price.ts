import type {AwsClients} from '../clients.js'
import {askPriceList} from './price-list.js'

/** US dollars for an hour of a public IPv4 address, used or not, from the Pricing API; null where it lists none. */
export async function askAddressPrice(clients: AwsClients, region: string, signal: AbortSignal | undefined): Promise<number | null> {
  const listed = await askPriceList(clients, {service: 'AmazonVPC', attributes: {regionCode: region, group: 'VPCPublicIPv4Address'}}, signal)
  // The group has other rows: those of contiguous blocks cost more.
  const hourly = listed.filter(({unit, usageType}) => unit === 'Hrs' && /PublicIPv4:(Idle|InUse)Address$/.test(usageType)).map(({usd}) => usd)
  return hourly.length === 0 ? null : Math.max(...hourly)
}
