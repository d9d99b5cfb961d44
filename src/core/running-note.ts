import type {Instance} from '../model/instance.js'
import type {HourlyPrice} from '../providers/provider.js'
import {hourlyPrice, instancePrices, stillRunningSentence, type InstancePrices} from './instance-cost.js'
import type {PlatformDeps} from './platform-deps.js'

/** What is told of an instance that a command leaves running. Its prices are looked up beside whatever else is done meanwhile. */
export class RunningNote {
  /** Rejects only where the command is cancelled. */
  readonly price: Promise<HourlyPrice | null>
  /** That of its disks too, and what a spot machine cost since its launch. Rejects likewise. */
  readonly prices: Promise<InstancePrices>
  private known: HourlyPrice | null = null
  private next: readonly string[] | null = null

  constructor(
    private readonly instance: Instance,
    private readonly deps: Pick<PlatformDeps, 'clock' | 'footprint' | 'provider' | 'signal'>,
  ) {
    this.price = hourlyPrice(instance, deps).then(price => {
      this.known = price
      if (this.next) this.leave(this.next)
      return price
    })
    this.prices = instancePrices(instance, deps, this.price)
    // Whoever needs them waits for them; a command that is cancelled before does not.
    this.price.catch(() => undefined)
    this.prices.catch(() => undefined)
  }

  /** From now on the instance is left running if the command ends here. */
  leave(next: readonly string[]): void {
    this.next = next
    this.deps.footprint.note(this.instance.id, {stillRunning: stillRunningSentence(this.instance, this.known), next})
  }

  forget(): void {
    this.next = null
    this.deps.footprint.forget(this.instance.id)
  }

  /** Gives back the error once it is known what the instance costs that it leaves running. */
  async priced(error: unknown): Promise<unknown> {
    await this.price.catch(() => null)
    return error
  }
}
