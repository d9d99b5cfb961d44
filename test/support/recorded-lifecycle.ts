import type {EventInput, Lifecycle} from '../../src/core/lifecycle.js'
import type {EventReturn, LifecycleEvent, SaveResult} from '../../src/hooks/events.js'

export const NOTHING_TO_SAVE: SaveResult = {ok: true, why: null, reports: [], only_here: []}

/** Answers events as told, and writes each into a journal that it may share with the provider. */
export class RecordedLifecycle implements Lifecycle {
  readonly inputs: {readonly event: LifecycleEvent; readonly input: unknown; readonly force: boolean}[] = []
  readonly answers: {[E in LifecycleEvent]?: (input: EventInput<E>, force: boolean) => Promise<readonly EventReturn<E>[]> | readonly EventReturn<E>[]} = {
    'prestop-checkpoint': () => [NOTHING_TO_SAVE],
  }

  constructor(private readonly journal: string[] = []) {}

  async run<E extends LifecycleEvent>(event: E, input: EventInput<E>, {force = false} = {}): Promise<readonly EventReturn<E>[]> {
    this.journal.push(event)
    this.inputs.push({event, input, force})
    return (await this.answers[event]?.(input, force)) ?? []
  }

  get events(): readonly LifecycleEvent[] {
    return this.inputs.map(({event}) => event)
  }
}
