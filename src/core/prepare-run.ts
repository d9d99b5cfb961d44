import type {RunStatus, StartRequest} from '../agent/protocol.js'
import {RunctlError} from '../model/errors.js'
import type {Instance} from '../model/instance.js'
import type {PlatformDeps} from './platform-deps.js'
import {step} from './progress.js'

/** Fetching data and installing dependencies may take long; the script itself is not waited for. */
const PREPARING_TIMEOUT_MS = 3_600_000

/** The run as it is when its script runs, or has ended. Rejects with `timed_out` after an hour; the run goes on. */
export async function waitUntilStarted(first: RunStatus, source: StartRequest['data_source'], instance: Instance, deps: Pick<PlatformDeps, 'agent' | 'clock' | 'progress' | 'signal'>): Promise<RunStatus> {
  if (first.state !== 'preparing') return first
  const agent = deps.agent(instance.id)
  const deadline = deps.clock.now().getTime() + PREPARING_TIMEOUT_MS
  const title = source === null ? 'Wait until the script runs' : `Wait until ${source.uri} is on the instance and the script runs`
  return step(deps.progress, 'prepare', title, async () => {
    while (deps.clock.now().getTime() < deadline) {
      const {runs} = await agent.call('status', {run_id: first.run_id, wait_s: agent.maxWaitSeconds, wait_for: ['running', 'stopping', 'stopped']}, {
        signal: deps.signal,
        timeoutMs: (agent.maxWaitSeconds + 30) * 1000,
      })
      const run = runs[0]
      if (run && run.state !== 'preparing') return run
    }
    const what = source === null ? 'installing the dependencies of its script' : 'fetching its data or installing the dependencies of its script'
    throw new RunctlError('timed_out', `${first.run_id} is still ${what}; it goes on`, {
      next: [`runctl ${instance.platform} monitor ${instance.id} --follow`],
    })
  })
}
