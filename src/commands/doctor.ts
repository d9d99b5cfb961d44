import {Args, Flags} from '@oclif/core'

import type {Rendered} from '../cli/base-command.js'
import {ConfigCommand} from '../cli/config-command.js'
import {runDoctor, type DoctorInput, type DoctorLine} from '../core/run-doctor.js'
import {EXIT_CODES, isRunctlError, RunctlError} from '../model/errors.js'
import {renderDoctor} from '../ui/doctor-text.js'

export default class Doctor extends ConfigCommand<readonly DoctorLine[]> {
  static override summary = 'Prove that everything works: this machine, the account, and an instance if you name one.'
  static override description = 'Each thing is tried, not guessed, and what fails comes with what mends it. Exit status 6 if something failed.'
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> INSTANCE',
    '<%= config.bin %> <%= command.id %> --platform aws --type g5.xlarge',
  ]
  static override args = {instance: Args.string({ignoreStdin: true, description: 'A running instance: prove that commands reach it and that it can write to the bucket.'})}
  static override flags = {
    platform: Flags.string({summary: 'Only this platform. Default: that of the instance, else all.'}),
    type: Flags.string({summary: 'Check the quota for this instance type.'}),
  }

  protected async execute(): Promise<Rendered<readonly DoctorLine[]>> {
    const {args, flags} = await this.parse(Doctor)
    const input = {instanceId: args.instance ?? null, instanceType: flags.type ?? null}
    const wanted = await this.wantedPlatform(flags.platform, args.instance)
    if (wanted !== null && flags.type !== undefined) await this.requireChecks(wanted)
    const lines = [
      ...this.machineLines(),
      ...(await this.configurationLines()),
      ...(wanted === null ? await this.linesOfAll(input) : await this.linesOf(wanted, input)),
    ]
    if (lines.some(({status}) => status === 'failed')) process.exitCode = EXIT_CODES.platform_failed
    return {value: lines, text: renderDoctor(lines, this.renderEnv)}
  }

  private async wantedPlatform(platform: string | undefined, instance: string | undefined): Promise<string | null> {
    if (platform !== undefined || instance === undefined) return platform ?? null
    const platforms = await this.platforms()
    if (platforms.definitions.some(({name}) => name === instance)) {
      throw new RunctlError('bad_input', `${instance} is a platform, not an instance`, {next: [`runctl doctor --platform ${instance}`]})
    }
    return platforms.ownerOf(instance)
  }

  /** What the platform cannot check is not asked for. */
  private async requireChecks(name: string): Promise<void> {
    if ((await this.platformDeps(name)).provider.checks) return
    throw new RunctlError('bad_input', `${name} has no quotas of instance types to check`, {next: [this.again({without: [{flag: 'type', takesValue: true}]})]})
  }

  /** A platform that was never set up is no fault: it is named, with the way there. */
  private async linesOfAll(input: DoctorInput): Promise<readonly DoctorLine[]> {
    const platforms = await this.platforms()
    const all = await Promise.all(platforms.definitions.map(async definition => {
      if (await platforms.isConfigured(definition)) return this.linesOf(definition.name, input)
      const {name} = definition
      return [{platform: name, check: 'platform', status: 'skipped' as const, found: 'never set up on this machine', fix: `runctl doctor --platform ${name}`}]
    }))
    return all.flat()
  }

  private async linesOf(name: string, input: DoctorInput): Promise<readonly DoctorLine[]> {
    const lines = await runDoctor(input, await this.platformDeps(name))
    return lines.length > 0 ? lines : [{platform: name, check: 'platform', status: 'ok', found: 'ready: it needs no account', fix: null}]
  }

  private machineLines(): readonly DoctorLine[] {
    const {node} = process.versions
    const isOld = Number(node.split('.')[0]) < 20
    return [{platform: null, check: 'runctl and Node', status: isOld ? 'failed' : 'ok', found: `runctl ${this.config.version}, Node ${node}`, fix: isOld ? 'install Node 20.19 or newer' : null}]
  }

  private async configurationLines(): Promise<readonly DoctorLine[]> {
    const line = {platform: null, check: 'configuration'}
    try {
      const {files} = await this.validateConfiguration(undefined)
      return [{...line, status: 'ok', found: files.length > 0 ? files.join(', ') : 'no files: the defaults count', fix: null}]
    } catch (error) {
      if (!isRunctlError(error)) throw error
      return [{...line, status: 'failed', found: error.message, fix: 'runctl config validate'}]
    }
  }
}
