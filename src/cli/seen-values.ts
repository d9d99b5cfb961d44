import {AgentClient, type AgentCallOptions} from '../agent/client.js'
import type {AgentVerb, AgentVerbs} from '../agent/protocol.js'
import {valuesFolder} from '../complete/folders.js'
import {seenOfCheckpoints, seenOfInstance, seenOfRuns, SeenSoFar, withSeen, type SeenValues} from '../core/known-values.js'
import type {Provider} from '../providers/provider.js'

/** What a command has seen anyway, for completion: it costs no question of its own, and whatever goes wrong with it, the command does not fail. */
export class SeenByCommand {
  readonly #seen = new Map<string, SeenSoFar>()

  /** The same provider; its instances are noted. */
  provider(provider: Provider): Provider {
    const note = <I extends Parameters<typeof seenOfInstance>[0]>(instance: I): I => {
      this.#note(provider.name, seenOfInstance(instance))
      return instance
    }
    const describeInstances: Provider['describeInstances'] = async function* (query, options) {
      for await (const instance of provider.describeInstances(query, options)) yield note(instance)
    }
    const noted: Pick<Provider, 'createInstance' | 'describeInstances' | 'startInstance' | 'stopInstance' | 'terminateInstance'> = {
      createInstance: (...asked) => provider.createInstance(...asked).then(note),
      describeInstances,
      startInstance: (...asked) => provider.startInstance(...asked).then(note),
      stopInstance: (...asked) => provider.stopInstance(...asked).then(note),
      terminateInstance: (...asked) => provider.terminateInstance(...asked).then(note),
    }
    return new Proxy(provider, {
      get(target, key) {
        if (key in noted) return noted[key as keyof typeof noted]
        // Of the provider itself: a class with private fields knows no stand-in.
        const value: unknown = Reflect.get(target, key, target)
        return typeof value === 'function' ? (value.bind(target) as unknown) : value
      },
    })
  }

  /** Hears what an agent answers. */
  readonly agent = (platform: string, ...made: ConstructorParameters<typeof AgentClient>): AgentClient =>
    new HeardAgent((verb, answer) => this.#note(platform, seenInAnswer(made[1], verb, answer)), ...made)

  /** Never rejects. */
  async save(cacheDir: string): Promise<void> {
    if (this.#seen.size === 0) return
    try {
      const {KnownValuesStore} = await import('../state/known-values-store.js')
      const store = new KnownValuesStore(valuesFolder(cacheDir))
      for (const [platform, {all}] of this.#seen) await store.change(platform, known => withSeen(known, all))
    } catch {
      // No completion is worth a failed command.
    }
  }

  #note(platform: string, values: SeenValues | null): void {
    if (values === null) return
    const seen = this.#seen.get(platform) ?? new SeenSoFar()
    seen.add(values)
    this.#seen.set(platform, seen)
  }
}

class HeardAgent extends AgentClient {
  constructor(private readonly hear: (verb: AgentVerb, answer: unknown) => void, ...made: ConstructorParameters<typeof AgentClient>) {
    super(...made)
  }

  override async call<V extends AgentVerb>(verb: V, request: AgentVerbs[V][0], options?: AgentCallOptions): Promise<AgentVerbs[V][1]> {
    const answer = await super.call(verb, request, options)
    this.hear(verb, answer)
    return answer
  }
}

function seenInAnswer(instance: string, verb: AgentVerb, answer: unknown): SeenValues | null {
  switch (verb) {
    case 'status':
      return seenOfRuns(instance, (answer as AgentVerbs['status'][1]).runs)
    case 'start': {
      const {run} = answer as AgentVerbs['start'][1]
      return run && seenOfRuns(instance, [run])
    }
    case 'checkpoints':
      return seenOfCheckpoints(instance, (answer as AgentVerbs['checkpoints'][1]).checkpoints)
    default:
      return null
  }
}
