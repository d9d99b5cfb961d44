import type {AwsClients} from '../clients.js'
import {askPriceList} from './price-list.js'

/** US dollars for an hour of Linux on shared hardware, from the Pricing API; null where it lists none. */
export async function onDemandPrice(clients: AwsClients, instanceType: string, signal: AbortSignal | undefined): Promise<number | null> {
  const attributes = {
    instanceType,
    regionCode: await clients.region(),
    operatingSystem: 'Linux',
    preInstalledSw: 'NA',
    tenancy: 'Shared',
    capacitystatus: 'Used',
  }
  const listed = await askPriceList(clients, {service: 'AmazonEC2', attributes, pageSize: 10}, signal)
  const hourly = listed.filter(({unit}) => unit === 'Hrs').map(({usd}) => usd)
  return hourly.length === 0 ? null : Math.min(...hourly)
}
