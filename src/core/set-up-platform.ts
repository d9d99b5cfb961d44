import {RunctlError} from '../model/errors.js'
import type {SetupReport} from '../providers/provider.js'
import type {PlatformDeps} from './platform-deps.js'
import {step} from './progress.js'

export interface SetUpInput {
  readonly dryRun: boolean
  readonly bucket: string | null
  readonly readBuckets: readonly string[]
  readonly attach: string | null
  /** Keeps a setting of the platform's section in the user's configuration; resolves to the file. */
  readonly keep: (name: string, value: string) => Promise<string>
}

/** Also the JSON form. */
export interface SetupResult {
  readonly platform: string
  readonly dry_run: boolean
  readonly steps: SetupReport['steps']
  readonly settings: Readonly<Record<string, string>>
  /** The configuration file that the settings were written to; null where nothing was written. */
  readonly written_to: string | null
  readonly user_policy: unknown
}

/** Prepares the account of a platform, and keeps what later commands need to know. Safe to repeat. */
export async function setUpPlatform(input: SetUpInput, {progress, provider, signal}: Pick<PlatformDeps, 'progress' | 'provider' | 'signal'>): Promise<SetupResult> {
  const {setup} = provider
  if (!setup) throw new RunctlError('bad_input', `the platform ${provider.name} needs no setup`, {next: [`runctl ${provider.name} create`]})
  const {settings, steps, userPolicy} = await step(progress, 'setup', input.dryRun ? 'Look what is there' : `Set up ${provider.name}`, () => setup.run({
    dryRun: input.dryRun,
    ...(input.bucket === null ? {} : {bucket: input.bucket}),
    ...(input.attach === null ? {} : {attach: input.attach}),
    readBuckets: input.readBuckets,
    signal,
  }))
  let file: string | null = null
  for (const [name, value] of input.dryRun ? [] : Object.entries(settings)) file = await input.keep(name, value)
  return {platform: provider.name, dry_run: input.dryRun, steps, settings, written_to: file, user_policy: userPolicy}
}
