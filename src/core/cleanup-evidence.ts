import {isRunctlError} from '../model/errors.js'
import type {Instance} from '../model/instance.js'
import {answersInTime} from './ask-in-time.js'
import {judgeInstance, type CleanupRule, type Evidence, type Verdict} from './cleanup-verdict.js'
import {listInstanceCheckpoints} from './list-instance-checkpoints.js'
import {waitingHelps} from './patient-agent.js'
import type {PlatformDeps} from './platform-deps.js'
import {mapConcurrently} from './sync/map-concurrently.js'

type Deps = Pick<PlatformDeps, 'agent' | 'clock' | 'provider' | 'signal'>

export interface JudgeInput {
  readonly rule: CleanupRule
  readonly now: Date
  /** Where outputs are if no tag says it; null: nowhere. */
  readonly defaultOutput: string | null
}

export interface Judged {
  readonly instance: Instance
  readonly verdict: Verdict
  /** What was found out for the verdict; null: the tags said enough. */
  readonly evidence: Evidence | null
}

const AT_ONCE = 8

/** By what the tags say, and where that is not enough, by a look at the instance or into the store. Changes nothing. Instances that are none of its business are left out. */
export async function judgeInstances(instances: readonly Instance[], input: JudgeInput, deps: Deps): Promise<readonly Judged[]> {
  const {now, rule} = input
  const first = instances.map(instance => ({instance, verdict: judgeInstance(instance, rule, now, null)}))
  const [used, stored] = await Promise.all([
    answersInTime(first.filter(({verdict}) => verdict === 'needs-used').map(({instance}) => instance), (instance, signal) => lookForRuns(instance, {...deps, signal}), deps),
    mapConcurrently(first.filter(({verdict}) => verdict === 'needs-stored'), AT_ONCE, async ({instance}) => [instance.id, await isStored(instance, input, deps)] as const),
  ])
  const inStore = new Map(stored)
  return first.flatMap(({instance, verdict}): readonly Judged[] => {
    if (verdict === null) return []
    if (typeof verdict !== 'string') return [{instance, verdict, evidence: null}]
    const evidence: Evidence = {used: used.get(instance.id) ?? 'silent', stored: inStore.get(instance.id) ?? false}
    const settled = judgeInstance(instance, rule, now, evidence)
    return settled === null || typeof settled === 'string' ? [] : [{instance, verdict: settled, evidence}]
  })
}

const LOOK_TIMEOUT_MS = 30_000

/** The agent is not asked: it would be sent there first, and this is a look. */
async function lookForRuns({id}: Instance, {provider, signal}: Pick<Deps, 'provider' | 'signal'>): Promise<Evidence['used']> {
  try {
    const {exitCode, stdout} = await provider.shell.run(id, {script: 'ls -A "$HOME/.runctl/runs" 2>/dev/null | head -n 1', timeoutMs: LOOK_TIMEOUT_MS, signal})
    if (exitCode !== 0) return 'silent'
    return stdout.length === 0 ? 'never' : 'yes'
  } catch (error) {
    if (!isRunctlError(error)) throw error
    return waitingHelps(error) ? 'silent' : 'unreachable'
  }
}

/** Whether the newest checkpoint that anybody knows of is in the store, verified, and was made after the last start. A store that does not answer proves nothing. */
async function isStored({id, launchedAt}: Instance, {defaultOutput}: JudgeInput, deps: Deps): Promise<boolean> {
  try {
    const {checkpoints} = await listInstanceCheckpoints({instanceId: id, project: null, defaultOutput}, deps)
    const newest = checkpoints.findLast(({state}) => state === 'complete')
    if (newest === undefined || !(Date.parse(newest.modified_at) >= Date.parse(launchedAt ?? ''))) return false
    return newest.places.some(({kind, verified_at}) => kind === 's3' && verified_at !== null)
  } catch (error) {
    if (isRunctlError(error)) return false
    throw error
  }
}
