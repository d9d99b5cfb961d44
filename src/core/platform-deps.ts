import type {AgentClient} from '../agent/client.js'
import type {Provider} from '../providers/provider.js'
import type {Clock} from './clock.js'
import type {CreateJournal} from './create-journal.js'
import type {Footprint} from './footprint.js'
import type {Lifecycle} from './lifecycle.js'
import type {Progress} from './progress.js'

/** All that a use-case on one platform can ask for. A use-case names the part that it uses: `Pick<PlatformDeps, 'provider' | 'clock'>`. */
export interface PlatformDeps {
  readonly provider: Provider
  readonly agent: (instanceId: string) => AgentClient
  readonly lifecycle: Lifecycle
  readonly progress: Progress
  readonly clock: Clock
  readonly footprint: Footprint
  /** Aborts when the user detaches (Ctrl-C). */
  readonly signal: AbortSignal
  /** A folder for caches that may be lost at any time. */
  readonly cacheDir: string
  /** A folder for what is remembered for good, where the platform has no store for it. */
  readonly recordsDir: string
  readonly createJournal: CreateJournal
}
