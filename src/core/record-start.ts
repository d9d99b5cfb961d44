import {isRunctlError} from '../model/errors.js'
import {TAGS, type Instance} from '../model/instance.js'
import type {PlatformDeps} from './platform-deps.js'

export interface StartFacts {
  readonly runId: string
  readonly project: string
  /** Where this run's outputs go, without project and run; null: nowhere. */
  readonly output: string | null
  /** Whatever else has changed. */
  readonly tags?: Readonly<Record<string, string>>
}

/** What a tag's value may hold on every platform. */
const TAG_VALUE = /^[\p{L}\p{N}\p{Zs}_.:/=+\-@]{0,256}$/u

/**
 * Only where the instance says another project or output, or that nothing was ever trained on it: what ran last is written at the end of the run or of the instance. A platform that
 * refuses a tag has not undone the start: that is a warning.
 */
export async function recordStart({output, project, runId, tags: further = {}}: StartFacts, instance: Instance, deps: Pick<PlatformDeps, 'progress' | 'provider' | 'signal'>): Promise<void> {
  const before = instance.tags[TAGS.output] ?? ''
  // An address that does not fit is found by the configuration alone; an old one would lead astray.
  const place = output !== null && TAG_VALUE.test(output) ? output : ''
  const known = instance.tags[TAGS.project] === project && instance.tags[TAGS.lastRun] !== undefined && before === place
  if (known && Object.keys(further).length === 0) return
  const tags = {[TAGS.lastRun]: runId, [TAGS.project]: project, ...(before === place ? {} : {[TAGS.output]: place}), ...further}
  try {
    await deps.provider.setTags(instance.id, tags, {signal: deps.signal})
  } catch (error) {
    if (!isRunctlError(error)) throw error
    deps.progress.emit({type: 'warning', message: `the tags of ${instance.id} do not name ${runId}: ${error.message}`})
  }
}
