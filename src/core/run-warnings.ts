import type {RunStatus} from '../agent/protocol.js'
import type {Instance} from '../model/instance.js'
import {saveFit, saveFitWords, type SaveFit} from '../model/save-fit.js'
import type {Progress} from './progress.js'
import type {SaveSettings} from './save-settings.js'

/** Whether a save of this run is over in time; null where nothing of it is known. */
export function fitOf(run: RunStatus, {lifecycle}: Pick<Instance, 'lifecycle'>, {graceMs, meanTimeToInterruptionMs}: SaveSettings): SaveFit | null {
  const fit = saveFit({
    interruptible: lifecycle === 'spot',
    sizeBytes: run.last_checkpoint?.size_bytes ?? null,
    uploads: run.output_uri !== null,
    bytesPerS: run.upload?.bytes_per_s ?? null,
    saveTookS: run.save_took_s,
    graceS: graceMs / 1000,
    meanTimeToInterruptionS: meanTimeToInterruptionMs / 1000,
  })
  return fit.needed_s === null ? null : fit
}

/** To be told of every state of a run that is followed: warns once of a save that would be late, and once of a resume that went wrong. */
export function runWarnings(instance: Pick<Instance, 'lifecycle'>, settings: SaveSettings, progress: Progress): (run: RunStatus) => void {
  const told = new Set<string>()
  const once = (what: string, message: string): void => {
    if (told.has(what)) return
    told.add(what)
    progress.emit({type: 'warning', message})
  }
  return run => {
    if (run.resume_alarm !== null) once('resume', run.resume_alarm)
    const fit = run.state === 'stopped' ? null : fitOf(run, instance, settings)
    const words = fit?.fits === false ? saveFitWords(fit) : null
    if (words !== null) once('fit', words)
  }
}
