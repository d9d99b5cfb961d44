import {isRunctlError} from '../model/errors.js'
import type {Check, CheckResult, Provider} from '../providers/provider.js'
import {checkInstance} from './check-instance.js'
import type {PlatformDeps} from './platform-deps.js'

/** One thing that was proved, or not. Also its JSON form. */
export interface DoctorLine {
  /** null for what concerns this machine and not a platform. */
  readonly platform: string | null
  readonly check: string
  readonly status: CheckResult['status']
  readonly found: string
  /** The command or step that mends it. */
  readonly fix: string | null
}

export interface DoctorInput {
  readonly instanceId: string | null
  readonly instanceType: string | null
}

type Deps = Pick<PlatformDeps, 'agent' | 'clock' | 'provider' | 'signal'>

/** Runs the checks of a platform, and on the instance if one is named. A check that throws has failed; nothing stops at it but what needs it. */
export async function runDoctor(input: DoctorInput, deps: Deps): Promise<readonly DoctorLine[]> {
  const target = {
    ...(input.instanceId === null ? {} : {instanceId: input.instanceId}),
    ...(input.instanceType === null ? {} : {instanceType: input.instanceType}),
  }
  const own = deps.provider.checks?.(target) ?? []
  // Only an identity is needed to reach an instance; what else is wrong shows there.
  const onInstance = input.instanceId === null ? [] : checkInstance(input.instanceId, own.slice(0, 1).map(({name}) => name), deps)
  return runChecks([...own, ...onInstance], deps.provider, deps.signal)
}

/** Independent checks run at once; each line is in its place. */
async function runChecks(checks: readonly Check[], {name: platform}: Pick<Provider, 'name'>, signal: AbortSignal): Promise<readonly DoctorLine[]> {
  const results = new Map<string, Promise<CheckResult>>()
  for (const check of checks) results.set(check.name, runOne(check, check.needs.map(need => ({need, result: results.get(need)})), signal))
  return Promise.all(checks.map(async ({name}) => ({platform, check: name, ...(await (results.get(name) as Promise<CheckResult>))})))
}

async function runOne(check: Check, needs: readonly {readonly need: string; readonly result: Promise<CheckResult> | undefined}[], signal: AbortSignal): Promise<CheckResult> {
  for (const {need, result} of needs) {
    const status = (await result)?.status
    if (status === 'failed' || status === 'skipped') return {status: 'skipped', found: `needs ${need}`, fix: null}
  }
  try {
    return await check.run({signal})
  } catch (error) {
    signal.throwIfAborted()
    if (!isRunctlError(error)) throw error
    return {status: 'failed', found: error.message, fix: error.next[0] ?? null}
  }
}
