import {isRunctlError} from '../../../model/errors.js'
import type {CallOptions, Holding, HoldingKind, Holdings} from '../../provider.js'
import {callAws, sendOptions} from '../call-aws.js'
import type {AwsClients} from '../clients.js'
import type {AwsPricing} from '../pricing/aws-pricing.js'
import {listAddresses} from './list-addresses.js'
import {listSnapshots} from './list-snapshots.js'
import {listVolumes} from './list-volumes.js'

export interface HoldingDeps {
  readonly clients: AwsClients
  readonly pricing: Pick<AwsPricing, 'addressPrice' | 'snapshotPrice' | 'volumePrice'>
}

const LISTS: Readonly<Record<HoldingKind, (deps: HoldingDeps, options: CallOptions) => AsyncIterable<Holding>>> = {
  address: listAddresses,
  snapshot: listSnapshots,
  volume: listVolumes,
}

/** EBS volumes and snapshots, and Elastic IP addresses, of one region. */
export class AwsHoldings implements Holdings {
  constructor(private readonly deps: HoldingDeps) {}

  async *list(kinds: readonly HoldingKind[], options: CallOptions = {}): AsyncIterable<Holding> {
    options.signal?.throwIfAborted()
    for (const kind of new Set(kinds)) yield* LISTS[kind](this.deps, options)
  }

  /** What is gone already counts as deleted. */
  async delete({id, kind}: Pick<Holding, 'id' | 'kind'>, {signal}: CallOptions = {}): Promise<void> {
    try {
      await this.send(kind, id, signal)
    } catch (error) {
      if (!isRunctlError(error) || error.code !== 'not_found') throw error
    }
  }

  private async send(kind: HoldingKind, id: string, signal: AbortSignal | undefined): Promise<unknown> {
    const [ec2, sdk] = await Promise.all([this.deps.clients.ec2(), import('@aws-sdk/client-ec2')])
    const options = sendOptions(signal)
    switch (kind) {
      case 'address':
        return callAws('ec2:ReleaseAddress', signal, () => ec2.send(new sdk.ReleaseAddressCommand({AllocationId: id}), options))
      case 'snapshot':
        return callAws('ec2:DeleteSnapshot', signal, () => ec2.send(new sdk.DeleteSnapshotCommand({SnapshotId: id}), options))
      case 'volume':
        return callAws('ec2:DeleteVolume', signal, () => ec2.send(new sdk.DeleteVolumeCommand({VolumeId: id}), options))
    }
  }
}
