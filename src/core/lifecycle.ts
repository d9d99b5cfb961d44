import type {EventOptions, EventReturn, LifecycleEvent, StepContext} from '../hooks/events.js'

/** What the caller of an event gives; the rest of the options is filled in by the host. */
export type EventInput<E extends LifecycleEvent> = Omit<EventOptions<E>, keyof StepContext>

export interface StepFailure {
  readonly plugin: string
  readonly error: unknown
}

/** Runs the steps of an event. Failures are never swallowed: each is shown, and by the event's rule one may veto. */
export interface Lifecycle {
  /**
   * The results of all steps, sorted by plugin. Rejects with `step_failed` if a step failed and the event's rule is `veto`,
   * unless `force`: then failures are shown and left at that.
   */
  run<E extends LifecycleEvent>(event: E, input: EventInput<E>, options?: {readonly force?: boolean}): Promise<readonly EventReturn<E>[]>
}
