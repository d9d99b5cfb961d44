import type {Instance} from '../../../model/instance.js'
import type {SelfStop} from '../../provider.js'
import type {AwsClients} from '../clients.js'
import {INSTALL_WATCH} from './install-script.js'

/** EC2 instances power themselves off: what becomes of them then was said when they were made. */
export class AwsSelfStop implements SelfStop {
  readonly install = INSTALL_WATCH

  constructor(private readonly clients: Pick<AwsClients, 'ec2Endpoint' | 'region'>) {}

  /** runctl makes one-time spot instances alone, which cannot be stopped. One that was made by hand is taken for such a one too: its disk may go. */
  endsAs({lifecycle}: Instance): 'stop' | 'terminate' {
    return lifecycle === 'spot' ? 'terminate' : 'stop'
  }

  readonly access = async (): Promise<{readonly region: string; readonly endpoint: string | null}> => ({
    region: await this.clients.region(),
    endpoint: this.clients.ec2Endpoint,
  })
}
