import {Command, Errors, Flags} from '@oclif/core'
import {setMaxListeners} from 'node:events'
import path from 'node:path'

import {loadAgentFile, type AgentFile} from '../agent/agent-file.js'
import type {FormatModule} from '../agent/checkpoint-protocol.js'
import {AgentClient} from '../agent/client.js'
import {platformSettings, pluginSettings} from '../config/platform-settings.js'
import {readConfiguration, requireValid, type Configuration, type ConfigurationInput, type ConfigurationReading} from '../config/load-configuration.js'
import {Footprint, type Trace} from '../core/footprint.js'
import type {PlatformDeps} from '../core/platform-deps.js'
import type {Progress} from '../core/progress.js'
import {systemClock} from '../core/system-clock.js'
import {EXIT_CODES, isRunctlError, RunctlError, withContext} from '../model/errors.js'
import {renderDetached, renderError} from '../ui/error-text.js'
import {createProgress, type ProgressOutput} from '../ui/progress.js'
import type {RenderEnv} from '../ui/render-env.js'
import type {BudgetHost} from './budget-flag.js'
import {loadCheckpointFormats} from './checkpoint-formats.js'
import {Detached, detachedExitCode, DETACHED_EXIT_CODE, DETACHING_SIGNALS, type DetachingSignal} from './detached.js'
import {errorJson} from './error-json.js'
import {OUTPUT_FORMATS, requestedFormat, type OutputFormat} from '../model/output-format.js'
import {lenientProvider} from './lenient-provider.js'
import {Platforms} from './platforms.js'
import {addedPlugins, declaredSettings} from './plugins/added-plugins.js'
import type {JudgedPlugin} from './plugins/judge-plugins.js'
import {createLifecycle} from './run-steps.js'
import {PendingCreates} from '../state/pending-creates.js'
import {splitArgv} from '../model/split-argv.js'
import {sameCommand, type CommandChange} from './same-command.js'
import {leavesPluginStepsOut} from './step-flags.js'
import {asUserError} from './user-error.js'
import {isReaderGone, OutputFailed, ReaderGone, writeOut} from './write-out.js'

/** What a command gives back: the value of `--json`, and the text for everybody else. Text may be empty where all was streamed. */
export interface Rendered<T> {
  readonly value: T
  readonly text: string
  /** What failed of several things while the others were done: each is shown, and the exit status is that of the first. Under --json `value` holds them. */
  readonly failures?: readonly unknown[]
}

/**
 * A result that is too long to be held, or that has no end: it writes itself, in the format that is wanted. Under --json all that it writes is
 * the one document; where that has begun, an error can only be told on standard error, and the document stays without its end.
 */
export interface Streamed {
  /** `write` resolves when the reader has taken it. */
  print(write: (text: string) => Promise<void>): Promise<void>
}

/** One of several instances that a command works on: what it says and leaves behind is told apart. */
export interface Scope {
  readonly progress: Progress
  readonly footprint: Footprint
}

/** What every command has in common: the output formats, errors and their exit status, Ctrl-C, the way to a platform. */
export abstract class RunctlCommand<T> extends Command {
  static override enableJsonFlag = true
  static override baseFlags = {
    output: Flags.option({options: OUTPUT_FORMATS, summary: 'How the result is printed.', helpGroup: 'GLOBAL'})(),
  }

  /** Set by commands that hand on what follows `--`; all others refuse it. */
  protected readonly takesRest: boolean = false
  /** What followed `--`, exactly. */
  protected rest: readonly string[] | null = null

  protected readonly footprint = new Footprint()
  private readonly scopedFootprints: Footprint[] = []
  private readonly interrupt = listenedToByMany(new AbortController())
  private progressInUse: ReturnType<typeof createProgress> | undefined
  private pluginsJudged: Promise<readonly JudgedPlugin[]> | undefined
  private platformsLoaded: Promise<Platforms> | undefined
  private agentFile: Promise<AgentFile> | undefined
  private formatsLoaded: Promise<readonly FormatModule[]> | undefined
  private configRead: Promise<ConfigurationReading> | undefined
  private configWarned = false
  private format: OutputFormat = 'table'
  private failedSteps = 0
  /** What ended the command from outside; null: nothing has. */
  protected detachedBy: DetachingSignal | null = null
  private outputFailed = false
  private streaming = false

  protected abstract execute(): Promise<Rendered<T> | Streamed>

  override jsonEnabled(): boolean {
    return this.format === 'json'
  }

  protected override async init(): Promise<void> {
    const {own, rest} = splitArgv(this.argv)
    this.format = requestedFormat(own) ?? this.format
    this.argv = [...own]
    this.rest = rest
    await super.init()
    for (const signal of DETACHING_SIGNALS) process.on(signal, this.onInterrupt)
    // Instead of oclif's own, which throws; they stay, because the JSON document is written after all else.
    process.stdout.removeAllListeners('error').on('error', this.onOutputError)
    process.stderr.removeAllListeners('error').on('error', () => undefined)
  }

  override async run(): Promise<T> {
    if (this.rest !== null && !this.takesRest) {
      throw new RunctlError('bad_input', `${this.commandLine} takes nothing after '--'`, {next: [`${this.commandLine} --help`]})
    }
    const isFormatConfigured = requestedFormat(this.argv) === null
    const before = isFormatConfigured ? await this.readConfig() : null
    if (before) this.format = before.configuration.get('output.format')
    const result = await this.execute()
    // Only now: a command that refuses a wrong configuration has said so itself, and has used no default. Anew: it may have mended it.
    if (before && before.problems.length > 0) {
      this.configRead = undefined
      await this.lenientConfig()
    }
    await this.progressInUse?.stop()
    if ('print' in result) {
      await result.print(this.stream)
      // oclif prints no document of what is undefined.
      return undefined as T
    }
    const {failures = [], text, value} = result
    if (!this.jsonEnabled() && text !== '') this.log(text.replace(/\n$/, ''))
    if (failures.length > 0) this.showFailures(failures)
    return value
  }

  private readonly stream = (text: string): Promise<void> => {
    this.streaming ||= text !== ''
    return writeOut(text, this.signal)
  }

  protected get commandLine(): string {
    return `${this.config.bin} ${(this.id ?? '').replaceAll(':', ' ')}`
  }

  /** The command as it was typed, but for a change. */
  protected again(change: CommandChange): string {
    return sameCommand(this.commandLine, this.argv, this.rest, change)
  }

  protected get renderEnv(): RenderEnv {
    const {stdout} = process
    return {
      format: this.format === 'text' ? 'text' : 'table',
      // A pipe has no width: nothing is cut there.
      width: stdout.isTTY ? stdout.columns || 80 : Number(process.env['COLUMNS']) || Infinity,
      color: useColor(stdout.isTTY),
      now: new Date(),
    }
  }

  /** Aborts on Ctrl-C. */
  protected get signal(): AbortSignal {
    return this.interrupt.signal
  }

  protected get progress(): ReturnType<typeof createProgress> {
    const {stderr} = process
    const mode = stderr.isTTY && process.env['TERM'] !== 'dumb' && !process.env['CI'] ? 'tty' : 'lines'
    this.progressInUse ??= this.jsonEnabled()
      ? warningsOnly(createProgress({stream: stderr, mode: 'lines', color: useColor(stderr.isTTY)}))
      : createProgress({stream: stderr, mode, color: useColor(stderr.isTTY)})
    return this.progressInUse
  }

  /** Rejects with `bad_input` if anything in the configuration is wrong: nothing is begun on a misread setting. */
  protected async loadConfig(): Promise<Configuration> {
    return requireValid(await this.readConfig(), currentFolder())
  }

  /** For what must work whatever is wrong in a file, above all stopping a machine: wrong settings count as unset, with a warning. */
  protected async lenientConfig(): Promise<Configuration> {
    const {configuration, problems} = await this.readConfig()
    for (const {file, line, message} of this.configWarned ? [] : problems) {
      this.progress.emit({type: 'warning', message: `${file ?? 'environment'}${line === null ? '' : `:${line}`}: ${message}; the default is used`})
    }
    this.configWarned = true
    return configuration
  }

  private readConfig(): Promise<ConfigurationReading> {
    this.configRead ??= this.configPlace().then(readConfiguration)
    return this.configRead
  }

  /** Where the configuration is, and the keys that plugins add to it. */
  protected async configPlace(): Promise<ConfigurationInput> {
    const pluginSettings = declaredSettings(await this.addedPlugins())
    return {cwd: currentFolder(), configDir: this.config.configDir, env: process.env, pluginSettings}
  }

  protected addedPlugins(): Promise<readonly JudgedPlugin[]> {
    this.pluginsJudged ??= addedPlugins(this.config)
    return this.pluginsJudged
  }

  protected platforms(): Promise<Platforms> {
    const settingsOf = async (name: string): Promise<Readonly<Record<string, unknown>>> => platformSettings(await this.lenientConfig(), name)
    this.platformsLoaded ??= this.addedPlugins().then(judged => Platforms.load(this.config, settingsOf, judged)).then(platforms => {
      for (const message of platforms.problems) {
        this.progress.emit({type: 'warning', message})
        this.failedSteps++
      }
      return platforms
    })
    return this.platformsLoaded
  }

  /** The checkpoint formats of plugins; collected when first asked for. */
  protected readonly checkpointFormats = (): Promise<readonly FormatModule[]> => {
    this.formatsLoaded ??= loadCheckpointFormats(this.config).then(({modules, problems}) => {
      for (const message of problems) {
        this.progress.emit({type: 'warning', message})
        this.failedSteps++
      }
      return modules
    })
    return this.formatsLoaded
  }

  /** Everything that a use-case needs of one platform, in the region that is configured or in another one. */
  protected async platformDeps(name: string, scope: Scope = {footprint: this.footprint, progress: this.progress}, region?: string): Promise<PlatformDeps> {
    const platforms = await this.platforms()
    const provider = await (region === undefined ? platforms.open(name) : platforms.openIn(name, region))
    const {signal} = this
    const {footprint, progress} = scope
    const configuration = await this.lenientConfig()
    const settings = pluginSettings(configuration)
    const pluginSteps = !leavesPluginStepsOut(this.argv)
    const withoutPluginSteps = this.again({plus: ['--no-plugin-steps']})
    const lifecycle = createLifecycle({config: this.config, provider, progress, signal, settings, pluginSteps, withoutPluginSteps, reportFailure: () => this.failedSteps++})
    const agent = (instanceId: string): AgentClient => new AgentClient(provider.shell, instanceId, () => (this.agentFile ??= loadAgentFile()), this.checkpointFormats)
    const {cacheDir, dataDir} = this.config
    const createJournal = new PendingCreates({dataDir, platform: name, settings: platformSettings(configuration, name), now: () => systemClock.now()})
    return {provider, agent, lifecycle, progress, clock: systemClock, footprint, signal, cacheDir, recordsDir: path.join(dataDir, 'records'), createJournal}
  }

  /** A footprint of its own, which still counts when the command is interrupted. */
  protected newFootprint(): Footprint {
    const footprint = new Footprint()
    this.scopedFootprints.push(footprint)
    return footprint
  }

  /**
   * The same for every platform that is set up. One that cannot be opened, or cannot list its instances, is a warning: what is asked over all
   * platforms is answered by the others.
   */
  protected async allPlatforms(): Promise<readonly PlatformDeps[]> {
    const platforms = await this.platforms()
    const usable = await Promise.all(platforms.definitions.map(async definition => {
      const tell = this.tellOnce(definition.name)
      try {
        if (!(await platforms.isConfigured(definition))) return []
        const deps = await this.platformDeps(definition.name)
        return [{...deps, provider: lenientProvider(deps.provider, this.signal, tell)}]
      } catch (error) {
        if (this.signal.aborted) throw error
        tell(error)
        return []
      }
    }))
    return usable.flat()
  }

  /** What budgets need of a command. */
  protected get budgetHost(): BudgetHost {
    return {platforms: () => this.allPlatforms(), again: change => this.again(change), progress: this.progress}
  }

  /** A warning that something is left out, and why; of the same thing no second one. */
  protected tellOnce(left: string): (error: unknown) => void {
    let told = false
    return error => {
      if (!told) this.progress.emit({type: 'warning', message: `${left} is left out: ${reasonOf(error)}`})
      told = true
    }
  }

  protected override async catch(thrown: Error): Promise<void> {
    await this.progressInUse?.stop()
    if (thrown instanceof Errors.ExitError) throw thrown
    if (thrown instanceof OutputFailed) return this.onOutputError(thrown.cause as Error)
    if (this.outputFailed) return
    const readerGone = thrown instanceof ReaderGone
    // `run logs RUN | head`: it has got what it wanted.
    if (readerGone && this.detached().stillRunning.length === 0) return
    const detached = this.signal.aborted || readerGone
    const error = detached ? this.detached() : this.withFootprint(asUserError(thrown, this.commandLine, this.takesRest))
    process.exitCode = detached ? this.detachedExitCode : exitStatusOf(error)
    if (this.jsonEnabled() && !this.streaming) return this.logJson(errorJson(error, process.exitCode, this.detached()))
    // Not by oclif, which writes no errors under --json.
    process.stderr.write(`${error instanceof Detached ? renderDetached(error, this.errorEnv) : renderError(error, this.errorEnv, this.detached())}\n`)
  }

  private get errorEnv(): RenderEnv {
    return {...this.renderEnv, width: process.stderr.columns || 80, color: useColor(process.stderr.isTTY)}
  }

  private get detachedExitCode(): number {
    return this.detachedBy === null ? DETACHED_EXIT_CODE : detachedExitCode(this.detachedBy)
  }

  private showFailures(failures: readonly unknown[]): void {
    process.exitCode = exitStatusOf(failures[0])
    if (!this.jsonEnabled()) for (const error of failures) this.logToStderr(renderError(error, this.errorEnv))
  }

  private readonly onOutputError = (error: NodeJS.ErrnoException): void => {
    // Who reads no more has been told apart where it counts (writeOut).
    if (isReaderGone(error) || this.outputFailed) return
    this.outputFailed = true
    const {next, stillRunning} = this.detached()
    const failure = new RunctlError('platform_failed', `the output cannot be written: ${error.message}`, {next, stillRunning, cause: error})
    process.exitCode = failure.exitCode
    // Not by oclif, which writes no errors under --json: there is no document now that could hold it.
    process.stderr.write(`${renderError(failure, this.errorEnv)}\n`)
    this.interrupt.abort(new OutputFailed(error))
  }

  protected override async finally(error: Error | undefined): Promise<void> {
    for (const signal of DETACHING_SIGNALS) process.off(signal, this.onInterrupt)
    // A step that failed without a veto was shown, and the thing itself was done: the exit status still says so.
    if (!error && this.failedSteps > 0) process.exitCode ??= EXIT_CODES.step_failed
    await super.finally(error)
  }

  override logJson(json: unknown): void {
    process.stdout.write(JSON.stringify(json, null, 2) + '\n')
  }

  private readonly onInterrupt = (signal: DetachingSignal = 'SIGINT'): void => {
    if (this.interrupt.signal.aborted) process.exit(this.detachedExitCode)
    this.detachedBy = signal
    this.interrupt.abort(new Detached())
  }

  private detached(): Detached {
    return detachedFrom([this.footprint, ...this.scopedFootprints].flatMap(footprint => footprint.all))
  }

  protected withFootprint(error: unknown, footprint: Footprint | null = null): unknown {
    if (!isRunctlError(error) || error.stillRunning.length > 0) return error
    const {next, stillRunning} = footprint ? detachedFrom(footprint.all) : this.detached()
    return withContext(error, {stillRunning, next: next.filter(command => !error.next.includes(command))})
  }
}

function detachedFrom(traces: readonly Trace[]): Detached {
  // The last thing begun is the first to come back to: a run before its instance.
  const next = new Set(traces.toReversed().flatMap(trace => trace.next))
  return new Detached(traces.map(trace => trace.stillRunning), [...next])
}

/** Sixty instances worked on at once all listen for Ctrl-C, which Node takes for a leak. */
function listenedToByMany(controller: AbortController): AbortController {
  setMaxListeners(0, controller.signal)
  return controller
}

const exitStatusOf = (error: unknown): number => (isRunctlError(error) ? error.exitCode : 1)

/** A sentence with what mends it, if that is known. */
function reasonOf(error: unknown): string {
  if (isRunctlError(error)) return [error.message, ...(error.next[0] === undefined ? [] : [`try: ${error.next[0]}`])].join('; ')
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message
}

/** Under --json nobody watches, but a step that failed is never passed over in silence. */
function warningsOnly(output: ProgressOutput): ProgressOutput {
  return {
    emit(event) {
      if (event.type === 'warning') output.emit(event)
    },
    pause: () => output.pause(),
    stop: () => output.stop(),
  }
}

function currentFolder(): string {
  try {
    return process.cwd()
  } catch (error) {
    throw new RunctlError('bad_input', 'the folder that this command was called in does not exist any more; call it in another one', {cause: error})
  }
}

function useColor(isTty: boolean | undefined): boolean {
  const {FORCE_COLOR, NO_COLOR, TERM} = process.env
  if (NO_COLOR) return false
  if (FORCE_COLOR && FORCE_COLOR !== '0') return true
  return isTty === true && TERM !== 'dumb'
}
