import {readFile} from 'node:fs/promises'
import {Flags} from '@oclif/core'

import type {Configuration} from '../config/load-configuration.js'
import {PROJECT_NAME_PATTERN, PROJECT_NAME_RULE} from '../config/project-name.js'
import type {TrainInput} from '../core/train.js'
import {RunctlError} from '../model/errors.js'
import {parseEnvFile} from '../model/parse-env-file.js'
import {durationFlag} from './duration-flag.js'
import {typedFlags} from './typed-flags.js'

/** The flags of everything that starts a training. */
export const trainFlags = {
  'sync-code': Flags.boolean({allowNo: true, summary: 'Send the project folder first (only what changed). Default: train.sync_code of the configuration (true).'}),
  'include-pattern': Flags.string({multiple: true, multipleNonGreedy: true, helpValue: '<glob>', summary: 'Send files that match although they are ignored. Repeatable.'}),
  'project-name': Flags.string({summary: 'Name of the project folder on the instance. Default: project.name of the configuration, else the name of the folder.'}),
  env: Flags.string({multiple: true, multipleNonGreedy: true, helpValue: 'K=V', summary: 'Environment variable for the script. Repeatable.'}),
  'env-file': Flags.string({helpValue: '<file>', summary: 'Environment variables from a file of K=V lines; --env wins.'}),
  data: Flags.string({helpValue: 'DIR|s3://…', summary: 'Data for the script: a folder here (sent, only what changed), s3://…, or instance:/path. It finds them in RUNCTL_DATA_DIR.'}),
  'data-s3': Flags.string({helpValue: 's3://…', summary: 'Data that the instance fetches from a bucket before the script starts: only what changed, verified. The same as --data s3://….'}),
  'output-s3': Flags.string({helpValue: 's3://…', summary: 'Copy checkpoints, log and outputs there while the run goes on, below PROJECT/RUN/. Default: train.output_s3 of the configuration.'}),
  'output-dir': Flags.string({summary: 'Folder of the project on the instance for other outputs (RUNCTL_OUTPUT_DIR). Default: outputs.'}),
  'checkpoint-dir': Flags.string({summary: 'Folder of the project on the instance for checkpoints (RUNCTL_CHECKPOINT_DIR). Default: checkpoints.'}),
  'checkpoint-pattern': Flags.string({multiple: true, multipleNonGreedy: true, helpValue: '<glob>', summary: 'Which files in it are checkpoints. Default: the usual endings.'}),
  resume: Flags.string({
    helpValue: 'latest|PATH|RUN|s3://…',
    summary: 'Resume from the newest checkpoint that verifies, on the instance or in the store, of the project or of a run; or from just this one (RUNCTL_RESUME_FROM; --resume-from if the script knows it).',
  }),
  'resume-argument': Flags.string({
    helpValue: 'NAME|none',
    summary: "The script's argument for the path to resume from, where it is another one. Default: train.resume_argument of the configuration (--resume-from).",
  }),
  name: Flags.string({summary: 'A name for the run.'}),
  python: Flags.string({helpValue: '<command>', summary: 'Interpreter for .py scripts on the instance.'}),
  concurrent: Flags.boolean({default: false, summary: 'Start although another run is active in the same project folder.'}),
  timeout: durationFlag({summary: 'With --wait: give up waiting after this time; the run goes on.'}),
}

/** What oclif's parser makes of {@link trainFlags}. */
export interface TrainFlagValues {
  readonly 'sync-code': boolean | undefined
  readonly 'include-pattern': readonly string[] | undefined
  readonly 'project-name': string | undefined
  readonly env: readonly string[] | undefined
  readonly 'env-file': string | undefined
  readonly data: string | undefined
  readonly 'data-s3': string | undefined
  readonly 'output-s3': string | undefined
  readonly 'output-dir': string | undefined
  readonly 'checkpoint-dir': string | undefined
  readonly 'checkpoint-pattern': readonly string[] | undefined
  readonly resume: string | undefined
  readonly 'resume-argument': string | undefined
  readonly name: string | undefined
  readonly python: string | undefined
  readonly concurrent: boolean | undefined
}

/** Flags over configuration. The instance and the waiting are the caller's. */
export async function trainInput(
  script: string,
  args: readonly string[],
  flags: TrainFlagValues,
  config: Configuration,
): Promise<Omit<TrainInput, 'followed' | 'instanceId' | 'readyTimeoutMs'>> {
  const cwd = process.cwd()
  return {
    script,
    args,
    cwd,
    projectRoot: config.root,
    projectName: checkName(flags['project-name'] ?? config.get('project.name')),
    syncCode: flags['sync-code'] ?? config.get('train.sync_code'),
    include: [...config.get('project.include'), ...(flags['include-pattern'] ?? [])],
    env: {...config.get('train.env'), ...(await readEnvFile(flags['env-file'])), ...readEnvFlags(flags.env ?? [])},
    data: dataOf(flags),
    output: flags['output-s3'] === undefined ? null : checkS3('--output-s3', flags['output-s3']),
    defaultOutput: configuredOutput(config),
    checkpointDir: flags['checkpoint-dir'] ?? config.get('train.checkpoint_dir'),
    checkpointPatterns: flags['checkpoint-pattern'] ?? config.get('train.checkpoint_patterns'),
    outputDir: flags['output-dir'] ?? config.get('train.output_dir'),
    resume: flags.resume ?? null,
    ...resumeArgument(flags, config),
    name: flags.name ?? null,
    python: flags.python ?? config.get('train.python'),
    concurrent: flags.concurrent ?? false,
    typedFlags: typedFlags(pickTrainFlags(flags)),
  }
}

/** A command has further flags. */
function pickTrainFlags(flags: TrainFlagValues): TrainFlagValues {
  const names = Object.keys(trainFlags).filter(name => name !== 'timeout')
  return Object.fromEntries(names.map(name => [name, flags[name as keyof TrainFlagValues]])) as unknown as TrainFlagValues
}

function dataOf({data, 'data-s3': dataS3}: TrainFlagValues): string | null {
  if (dataS3 === undefined) return data ?? null
  if (data !== undefined) throw new RunctlError('bad_input', 'give the data once: --data and --data-s3 say the same thing in two ways')
  return checkS3('--data-s3', dataS3)
}

/** `none` is no argument; a bare name gets its dashes, since a flag cannot be given a value that begins with them. */
function resumeArgument({'resume-argument': flag}: TrainFlagValues, config: Configuration): Pick<TrainInput, 'resumeArgument'> {
  const configured = config.get('train.resume_argument')
  const given = flag ?? configured
  if (given === null) return {}
  if (given === 'none') return {resumeArgument: null}
  const name = given.startsWith('-') ? given : `--${given}`
  if (/^--?[A-Za-z][\w.-]*$/.test(name)) return {resumeArgument: name}
  throw new RunctlError('bad_input', `${flag === undefined ? 'train.resume_argument' : '--resume-argument'} wants the name of an argument, like resume-from, or none; not ${JSON.stringify(given)}`)
}

export function configuredOutput(config: Configuration): string | null {
  const value = config.get('train.output_s3')
  return value === null ? null : checkS3('train.output_s3', value)
}

function checkS3(where: string, value: string): string {
  if (value.startsWith('s3://')) return value
  throw new RunctlError('bad_input', `${where} wants s3://BUCKET/PREFIX, not ${JSON.stringify(value)}`)
}

function checkName(name: string): string {
  if (PROJECT_NAME_PATTERN.test(name)) return name
  throw new RunctlError('bad_input', `${JSON.stringify(name)} cannot be a project name: ${PROJECT_NAME_RULE}`)
}

function readEnvFlags(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(pairs.map(pair => {
    const at = pair.indexOf('=')
    const name = pair.slice(0, at)
    if (at < 1 || !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) throw new RunctlError('bad_input', `--env wants NAME=VALUE, not ${JSON.stringify(at < 1 ? pair : name)}`)
    return [name, pair.slice(at + 1)]
  }))
}

async function readEnvFile(file: string | undefined): Promise<Record<string, string>> {
  if (file === undefined) return {}
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new RunctlError('bad_input', `--env-file ${file} cannot be read: ${(error as Error).message}`, {cause: error})
  })
  return parseEnvFile(text, file)
}
