import {rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import path from 'node:path'

import {Footprint} from '../../src/core/footprint.js'
import type {PlatformDeps} from '../../src/core/platform-deps.js'
import type {Instance} from '../../src/model/instance.js'
import {HandClock} from './hand-clock.js'
import {MemoryJournal} from './memory-journal.js'
import {MemoryProvider, sampleInstance} from './memory-provider.js'
import {RecordedLifecycle} from './recorded-lifecycle.js'
import {RecordedProgress} from './recorded-progress.js'
import {ScriptedAgent} from './scripted-agent.js'

/** Below it each has a folder of its own: what one test remembers is not another's past. */
const RECORDS = path.join(tmpdir(), `runctl-test-records-${process.pid}`)
let made = 0
process.once('exit', () => rmSync(RECORDS, {recursive: true, force: true}))

/** All that a use-case can ask for, without a platform. Provider and lifecycle write into one journal, so that order can be seen. */
export class FakeDeps implements PlatformDeps {
  readonly journal: string[] = []
  readonly provider: MemoryProvider
  readonly lifecycle = new RecordedLifecycle(this.journal)
  readonly progress = new RecordedProgress()
  readonly clock = new HandClock()
  readonly footprint = new Footprint()
  readonly scripted = new ScriptedAgent()
  readonly agent = () => this.scripted.asClient()
  readonly interrupt = new AbortController()
  readonly signal: AbortSignal = this.interrupt.signal
  cacheDir = tmpdir()
  recordsDir = path.join(RECORDS, String(++made))
  readonly createJournal = new MemoryJournal()

  constructor(instance: Partial<Instance> | null = {}) {
    this.provider = new MemoryProvider(this.journal, instance && sampleInstance(instance))
  }
}
