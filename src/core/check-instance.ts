import {randomUUID} from 'node:crypto'

import type {Check, CheckResult} from '../providers/provider.js'
import {findRunningInstance} from './find-instance.js'
import type {PlatformDeps} from './platform-deps.js'

/** Certificates and signatures begin to fail at minutes. */
const MOST_SKEW_S = 60

const ok = (found: string): CheckResult => ({status: 'ok', found, fix: null})

/** What only the instance itself can prove: that commands answer, the agent runs, its clock is right, and that it can write where outputs go. */
export function checkInstance(instanceId: string, needs: readonly string[], deps: Pick<PlatformDeps, 'agent' | 'clock' | 'provider' | 'signal'>): readonly Check[] {
  const {clock, provider} = deps
  const agent = deps.agent(instanceId)
  const {store} = provider
  return [
    {
      name: 'commands answer',
      needs,
      async run({signal}) {
        const instance = await findRunningInstance(instanceId, deps)
        const begun = clock.now().getTime()
        const {exitCode} = await provider.shell.run(instanceId, {script: 'exit 0', timeoutMs: 60_000, ...(signal ? {signal} : {})})
        const seconds = (clock.now().getTime() - begun) / 1000
        if (exitCode !== 0) return {status: 'failed', found: `an empty script ended with exit status ${exitCode}`, fix: `runctl ${instance.platform} exec ${instanceId} -- df -h`}
        return ok(`${instanceId} in ${seconds.toFixed(1)} s`)
      },
    },
    {
      name: 'agent and clock',
      needs: ['commands answer'],
      async run({signal}) {
        const {now} = await agent.call('status', {all: true, limit: 1}, signal ? {signal} : {})
        const skew = Math.abs(clock.now().getTime() - Date.parse(now)) / 1000
        const found = `the agent answers; its clock differs by ${skew.toFixed(0)} s`
        return skew <= MOST_SKEW_S ? ok(found) : {status: 'failed', found, fix: `runctl ${provider.name} exec ${instanceId} -- sudo chronyc makestep`}
      },
    },
    ...(store ? [{
      name: 'bucket from the instance',
      needs: ['agent and clock', 'bucket'],
      async run({signal}: {readonly signal?: AbortSignal}): Promise<CheckResult> {
        if (store.scratch === null) return {status: 'skipped', found: 'no bucket is configured', fix: null}
        const uri = `${store.scratch}doctor-${randomUUID()}`
        await agent.call('probe-store', {uri, access: await store.access()}, signal ? {signal} : {})
        await store.delete([uri], signal ? {signal} : {})
        return ok(`${instanceId} wrote and read an object with its own rights`)
      },
    }] : []),
  ]
}
