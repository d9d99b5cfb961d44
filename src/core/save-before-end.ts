import type {SaveResult} from '../hooks/events.js'
import {RunctlError, withContext} from '../model/errors.js'
import type {Instance} from '../model/instance.js'
import {forceCommand, type EndInput} from './end-input.js'
import type {PlatformDeps} from './platform-deps.js'
import {step} from './progress.js'

/** Runs the steps that save. Rejects with `save_failed`, nothing being ended, where they do not all agree that it is right to stop, unless `force`. */
export async function saveBeforeEnd(instance: Instance, input: EndInput, deps: PlatformDeps): Promise<SaveResult> {
  const graceSeconds = input.graceMs / 1000
  const withForce = forceCommand(instance, input)
  return step(
    deps.progress, 'save', 'Ask the training to save, and verify', async () => {
      const event = {instance, graceSeconds, force: input.force, requestId: input.requestId}
      const results = await deps.lifecycle.run('prestop-checkpoint', event, {force: input.force}).catch((error: unknown) => {
        throw withContext(error, {next: [withForce]})
      })
      const saved = merge(results)
      if (saved.ok || input.force) return saved
      throw notSaved(saved, instance, withForce)
    },
    describeSave,
  )
}

function notSaved(saved: SaveResult, instance: Instance, withForce: string): RunctlError {
  return new RunctlError('save_failed', `no good checkpoint was saved, so nothing was stopped: ${saved.why ?? 'no reason was given'}`, {
    next: [`runctl ${instance.platform} monitor ${instance.id}`, withForce],
    details: {instance_id: instance.id, reports: saved.reports},
  })
}

/** One answer out of those of all steps: every one must agree that it is right to stop, and silence is no agreement. */
function merge(results: readonly SaveResult[]): SaveResult {
  if (results.length === 0) return {ok: false, why: 'no step has saved anything', reports: [], only_here: []}
  // Steps of plugins are not checked by our compiler: a misshapen answer is no proof of a save.
  const isWhole = (result: SaveResult): boolean => typeof result.ok === 'boolean' && Array.isArray(result.reports) && Array.isArray(result.only_here)
  if (!results.every(isWhole)) return {ok: false, why: 'a step answered something else than a save result', reports: [], only_here: []}
  return {
    ok: results.every(result => result.ok),
    why: results.map(result => result.why).filter(why => why !== null).join('; ') || null,
    reports: results.flatMap(result => result.reports),
    only_here: results.flatMap(result => result.only_here),
    ...lastIn(results),
  }
}

function lastIn(results: readonly SaveResult[]): Pick<SaveResult, 'last'> {
  const known = results.find(({last}) => last !== undefined)
  return known?.last === undefined ? {} : {last: known.last}
}

function describeSave(saved: SaveResult): string {
  if (!saved.ok) return saved.why ?? 'nothing good was saved'
  if (saved.reports.length === 0) return 'nothing was running'
  return saved.reports
    .map(report => {
      const kept = report.checkpoint ? `${report.checkpoint.path}${report.saved_on_request ? '' : ' (saved before)'}` : 'no checkpoint'
      return report.ended === 'forced' ? `${kept}, ended by force (${report.killed} killed)` : kept
    })
    .join('; ')
}
