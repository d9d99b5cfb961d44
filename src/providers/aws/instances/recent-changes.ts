import type {Instance, InstanceState} from '../../../model/instance.js'
import type {KnownInstance} from './as-instance.js'

/** How long Describe may lag behind what was done. */
const LAG_MS = 60_000
/** Of so many it is known how they were last seen: a long list is not kept. */
const MOST_SEEN = 1000

/** What Describe says once it knows of a change, by the state that the change led to. Anything else is older. */
const AGREEING: Partial<Record<InstanceState, readonly InstanceState[]>> = {
  pending: ['pending', 'running'],
  stopping: ['stopping', 'stopped', 'shutting-down', 'terminated'],
  'shutting-down': ['shutting-down', 'terminated'],
}

interface Change {
  readonly state: InstanceState
  readonly until: number
}

interface Tagging {
  readonly value: string
  readonly until: number
}

/**
 * What this process did lately and Describe may not tell yet: the newer state is shown until Describe agrees or a minute has passed. Also
 * remembers instances as they were last seen: all that it created, and of the others the latest.
 */
export class RecentChanges {
  private readonly seen = new Map<string, KnownInstance>()
  private readonly created = new Map<string, number>()
  private readonly states = new Map<string, Change>()
  private readonly tags = new Map<string, Map<string, Tagging>>()

  constructor(private readonly now: () => Date) {}

  /** Made by this process: it exists, whatever Describe says. */
  noteCreated(known: KnownInstance): void {
    this.seen.set(known.instance.id, known)
    this.created.set(known.instance.id, this.deadline())
  }

  noteState(id: string, state: InstanceState): void {
    if (AGREEING[state]) this.states.set(id, {state, until: this.deadline()})
    const known = this.seen.get(id)
    if (known) this.seen.set(id, {...known, instance: withState(known.instance, state)})
  }

  noteTags(id: string, tags: Readonly<Record<string, string>>): void {
    const newer = new Map(this.tags.get(id))
    for (const [key, value] of Object.entries(tags)) newer.set(key, {value, until: this.deadline()})
    this.tags.set(id, newer)
    const known = this.seen.get(id)
    if (known) this.seen.set(id, {...known, instance: withTags(known.instance, tags)})
  }

  /** What Describe said, brought up to date. */
  see(described: KnownInstance): KnownInstance {
    const {id} = described.instance
    const change = this.states.get(id)
    let {instance} = described
    const agrees = !change || AGREEING[change.state]?.includes(instance.state) || change.until <= this.time()
    if (agrees) this.states.delete(id)
    else instance = withState(instance, change.state)

    const newer = [...(this.tags.get(id) ?? [])].filter(([key, {value, until}]) => until > this.time() && described.instance.tags[key] !== value)
    if (newer.length > 0) instance = withTags(instance, Object.fromEntries(newer.map(([key, {value}]) => [key, value])))
    if (newer.length > 0) this.tags.set(id, new Map(newer))
    else this.tags.delete(id)

    const known = {...described, instance}
    this.remember(id, known)
    return known
  }

  private remember(id: string, known: KnownInstance): void {
    this.seen.delete(id)
    this.seen.set(id, known)
    if (this.seen.size <= MOST_SEEN) return
    for (const oldest of this.seen.keys()) {
      if (this.created.has(oldest)) continue
      this.seen.delete(oldest)
      return
    }
  }

  /** As it was last seen by this process, changes since then included; undefined where it was not. */
  last(id: string): KnownInstance | undefined {
    return this.seen.get(id)
  }

  isNew(id: string): boolean {
    return (this.created.get(id) ?? 0) > this.time()
  }

  /** Those that Describe may not know yet. */
  newOnes(): readonly KnownInstance[] {
    return [...this.created.keys()].filter(id => this.isNew(id)).flatMap(id => this.seen.get(id) ?? [])
  }

  private time(): number {
    return this.now().getTime()
  }

  private deadline(): number {
    return this.time() + LAG_MS
  }
}

function withState(instance: Instance, state: InstanceState): Instance {
  if (instance.state === state) return instance
  return {...instance, state, stateReason: state === 'pending' || state === 'running' ? null : (instance.stateReason ?? 'user')}
}

function withTags(instance: Instance, tags: Readonly<Record<string, string>>): Instance {
  const all = {...instance.tags, ...tags}
  return {...instance, tags: all, name: all['Name'] ?? null}
}
