/** Commands and what becomes of them on each instance. */

export type InvocationStatus = 'Cancelled' | 'Cancelling' | 'Delayed' | 'Failed' | 'InProgress' | 'Pending' | 'Success' | 'TimedOut'

/** Why, finer than the status. */
export type StatusDetails =
  | 'Cancelled'
  | 'Cancelling'
  | 'Delayed'
  | 'DeliveryTimedOut'
  | 'ExecutionTimedOut'
  | 'Failed'
  | 'InProgress'
  | 'Pending'
  | 'Success'
  | 'Terminated'
  | 'Undeliverable'

export interface Command {
  readonly id: string
  readonly comment: string
  readonly documentName: string
  readonly parameters: Readonly<Record<string, readonly string[]>>
  /** As sent; targets by tag are in `targets`. */
  readonly instanceIds: readonly string[]
  readonly targets: readonly Target[]
  readonly script: string
  readonly deliveryTimeoutS: number
  readonly executionTimeoutS: number
  readonly maxConcurrency: string
  readonly maxErrors: string
  readonly requestedAt: Date
  /** The script is run twice by each agent. */
  readonly doubled: boolean
  readonly invocations: ReadonlyMap<string, Invocation>
}

export interface Target {
  readonly key: string
  readonly values: readonly string[]
}

export class Invocation {
  status: InvocationStatus = 'Pending'
  details: StatusDetails = 'Pending'
  responseCode = -1
  stdout: Buffer = Buffer.alloc(0)
  stderr: Buffer = Buffer.alloc(0)
  startedAt: Date | null = null
  endedAt: Date | null = null
  /** How often a script was run: an agent gives up a script that reboots again and again. */
  runs = 0
  readonly cancel = new AbortController()
  readonly #listeners: (() => void)[] = []

  constructor(
    readonly command: Omit<Command, 'invocations'>,
    readonly instanceId: string,
  ) {}

  get ended(): boolean {
    return this.endedAt !== null
  }

  end(status: InvocationStatus, details: StatusDetails, at: Date): void {
    if (this.ended) return
    this.status = status
    this.details = details
    this.endedAt = at
    for (const listener of this.#listeners) listener()
  }

  onEnd(listener: () => void): void {
    this.#listeners.push(listener)
  }
}

/** A command's own status, from those of its invocations. */
export function commandStatus({invocations}: Command): {readonly status: InvocationStatus; readonly details: string} {
  const all = [...invocations.values()]
  const both = (status: InvocationStatus, details: string = status): {status: InvocationStatus; details: string} => ({status, details})
  if (all.some(({ended}) => !ended)) {
    if (all.some(({status}) => status === 'Cancelling')) return both('Cancelling')
    return all.every(({status}) => status === 'Pending' || status === 'Delayed') ? both('Pending') : both('InProgress')
  }
  if (all.some(({details}) => details === 'Terminated')) return both('Failed', 'RateExceeded')
  if (all.some(({status}) => status === 'Failed')) return both('Failed')
  if (all.some(({details}) => details === 'ExecutionTimedOut')) return both('TimedOut', 'ExecutionTimedOut')
  if (all.some(({status}) => status === 'Cancelled')) return both('Cancelled')
  if (all.length === 0) return both('Success', 'NoInstancesInTag')
  if (all.every(({details}) => details === 'DeliveryTimedOut')) return both('TimedOut', 'DeliveryTimedOut')
  return all.some(({status}) => status === 'TimedOut') ? both('Success', 'Incomplete') : both('Success')
}
