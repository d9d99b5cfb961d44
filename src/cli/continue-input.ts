import type {Configuration} from '../config/load-configuration.js'
import {planContinue} from '../core/plan-continue.js'
import type {PlatformDeps} from '../core/platform-deps.js'
import {isStoreUri} from '../core/store-place.js'
import {RunctlError} from '../model/errors.js'
import {withLimits, type LimitFlagValues} from './limit-flags.js'
import {saveSettings} from './save-settings.js'
import {configuredOutput, trainInput, type TrainFlagValues} from './train-flags.js'
import type {TrainHow} from './train-one.js'

type OwnFlags = 'checkpoint-dir' | 'checkpoint-pattern' | 'output-dir' | 'project-name' | 'resume'

interface ContinueFlagValues extends LimitFlagValues, Omit<TrainFlagValues, OwnFlags> {
  readonly 'instance-id': string
  readonly run: string | undefined
  readonly from: string | undefined
  readonly wait: boolean
  readonly timeout: number | undefined
}

interface Given {
  readonly checkpoint: string | null
  /** What followed `--`, in place of the run's own arguments; null: nothing did. */
  readonly rest: readonly string[] | null
}

/** How a run that is continued is started: as it was, with what the flags say otherwise. Tells what was not kept of it. */
export async function continueInput({checkpoint, rest}: Given, flags: ContinueFlagValues, config: Configuration, deps: PlatformDeps): Promise<TrainHow> {
  if (flags.timeout !== undefined && !flags.wait) throw new RunctlError('bad_input', '--timeout limits the waiting, so it needs --wait')
  if (flags.from !== undefined && !isStoreUri(flags.from)) throw new RunctlError('bad_input', `--from wants s3://BUCKET/PREFIX, not ${JSON.stringify(flags.from)}`)
  const begun = await planContinue({
    instanceId: flags['instance-id'],
    runId: flags.run ?? null,
    checkpoint,
    from: flags.from ?? null,
    defaultOutput: configuredOutput(config),
    projectName: config.get('project.name'),
  }, deps)
  const own = {'checkpoint-dir': begun.checkpointDir, 'checkpoint-pattern': undefined, 'output-dir': begun.outputDir, 'project-name': begun.projectName, resume: begun.resume}
  const input = withLimits(await trainInput(begun.script, rest ?? begun.args, {...flags, ...own}, config), flags, config)
  deps.progress.emit({type: 'note', message: `${begun.run.run_id} is continued: ${begun.script}${rest === null ? '' : ' with other arguments'}${notKept(flags)}`})
  return {
    ...input,
    // Its path is one from the project's root, wherever the command was called.
    cwd: input.projectRoot,
    syncCode: flags['sync-code'] ?? !begun.isSameInstance,
    output: input.output ?? begun.output,
    name: input.name ?? begun.run.name,
    wait: flags.wait,
    timeoutMs: flags.timeout ?? null,
    save: saveSettings(config),
  }
}

function notKept({data, 'data-s3': dataS3, env, 'env-file': envFile, python}: ContinueFlagValues): string {
  const missing = [
    env === undefined && envFile === undefined ? ['--env'] : [],
    data === undefined && dataS3 === undefined ? ['--data'] : [],
    python === undefined ? ['--python'] : [],
  ].flat()
  return missing.length === 0 ? '' : `; values of ${missing.join(', ')} are not kept: give them again if it had them`
}
