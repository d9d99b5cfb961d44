import type {Instance} from '../model/instance.js'
import type {HourlyPrice} from '../providers/provider.js'
import {hourlyPrice, stillRunningSentence} from './instance-cost.js'
import type {PlatformDeps} from './platform-deps.js'

/** What is told of an instance that a command leaves running. Its price is looked up beside whatever else is done meanwhile. */
export class RunningNote {
  /** Rejects only where the command is cancelled. */
  readonly price: Promise<HourlyPrice | null>
  private known: HourlyPrice | null = null
  private next: readonly string[] | null = null

  constructor(
    private readonly instance: Instance,
    private readonly deps: Pick<PlatformDeps, 'footprint' | 'provider' | 'signal'>,
  ) {
    this.price = hourlyPrice(instance, deps).then(price => {
      this.known = price
      if (this.next) this.leave(this.next)
      return price
    })
    // Whoever needs it waits for it; a command that is cancelled before does not.
    this.price.catch(() => undefined)
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
