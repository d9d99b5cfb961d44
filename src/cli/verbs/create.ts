import {userInfo} from 'node:os'
import {Flags, type Command} from '@oclif/core'

import {createInstances, type CreateInput, type CreateOutcome, type CreateResult} from '../../core/create-instance.js'
import {planCreate, type CreatePlanResult} from '../../core/plan-create.js'
import {isRunctlError, RunctlError} from '../../model/errors.js'
import {parseDuration} from '../../model/duration.js'
import {limitPairs} from '../../ui/limits-text.js'
import {renderInstance, renderInstanceList} from '../../ui/instance-text.js'
import {renderPlan} from '../../ui/plan-text.js'
import type {Rendered} from '../base-command.js'
import {budgetFlag, budgetTerms} from '../budget-flag.js'
import {createOptions, type CreateFlags} from '../create-options.js'
import {durationFlag} from '../duration-flag.js'
import {errorJson, type ErrorJson} from '../error-json.js'
import {limitFlags, limitWish} from '../limit-flags.js'
import {newRequestId} from '../new-request-id.js'
import {PlatformCommand} from '../platform-command.js'
import {stepFlags} from '../step-flags.js'

/** In the place of one of several that failed; with an id where it exists all the same. */
export interface CreateFailure {
  readonly instance_id: string | null
  readonly error: ErrorJson['error']
}

export type CreateJson = CreatePlanResult | CreateResult | readonly (CreateFailure | CreateResult)[]

const MOST_AT_ONCE = 100
const READY_TIMEOUT_MS = parseDuration('10m')

/** `extra`: flags that only this platform has; the provider gets what they are given, by their names. */
export const createCommand = (platform: string, extra: CreateFlags = {}): Command.Class => {
  class Create extends PlatformCommand<CreateJson> {
    static override summary = `Create an instance on ${platform}.`
    static override description = `Prints the instance id. Use --wait to return only when a command on it answers.
With --max-hours, --max-cost or --idle the instance saves and stops itself, from its first second on, whatever becomes of this machine.`
    static override examples = ['<%= config.bin %> <%= command.id %> --wait', '<%= config.bin %> <%= command.id %> --name my-experiment --output json', '<%= config.bin %> <%= command.id %> --max-hours 8 --idle 30m --wait']
    static override flags = {
      name: Flags.string({summary: 'A name for people; ids are what commands take.'}),
      type: Flags.string({summary: 'Instance type, where the platform has several.'}),
      count: Flags.integer({default: 1, min: 1, max: MOST_AT_ONCE, summary: 'How many, all at once.'}),
      ...extra,
      ...limitFlags,
      ...budgetFlag,
      ...stepFlags,
      wait: Flags.boolean({default: false, summary: 'Wait until the instance answers.'}),
      timeout: durationFlag({summary: 'With --wait: how long. Default: 10m.'}),
      'dry-run': Flags.boolean({default: false, summary: 'Only say what would be created and what it costs.', exclusive: ['wait', 'request-id', 'timeout']}),
      'request-id': Flags.string({summary: 'A key of your own: the same key never creates a second instance. At most 60 letters, digits and signs.'}),
    }

    protected readonly platformName = platform

    protected async execute(): Promise<Rendered<CreateJson>> {
      const {flags} = await this.parse(Create)
      if (flags.timeout !== undefined && !flags.wait) throw new RunctlError('bad_input', '--timeout limits the waiting, so it needs --wait', {next: [this.again({plus: ['--wait']})]})
      const config = await this.loadConfig()
      const key = flags['request-id']
      const input: CreateInput = {
        requestId: key === undefined ? newRequestId() : checkKey(key),
        isOwnKey: key !== undefined,
        name: flags.name ?? null,
        instanceType: flags.type ?? null,
        options: createOptions(extra, flags),
        project: config.get('project.name'),
        owner: userInfo().username,
        version: this.config.version,
        limits: limitWish(flags, config),
        ...budgetTerms(config, flags, this.budgetHost),
        wait: flags.wait,
        timeoutMs: flags.timeout ?? READY_TIMEOUT_MS,
      }
      const deps = await this.deps()
      if (flags['dry-run']) {
        const plan = await planCreate(input, flags.count, deps)
        return {value: plan, text: renderPlan(plan, this.renderEnv)}
      }
      return this.rendered(await createInstances(input, flags.count, deps))
    }

    private rendered(outcomes: readonly CreateOutcome[]): Rendered<CreateJson> {
      const results = outcomes.flatMap(outcome => ('instance' in outcome ? [outcome] : []))
      const made = results.map(({instance}) => instance)
      const failed = outcomes.flatMap(outcome => ('instance' in outcome ? [] : [outcome]))
      const [only] = results
      if (failed[0] && (outcomes.length === 1 || sayTheSame(failed, outcomes.length))) throw failed[0].error
      const isText = this.renderEnv.format === 'text'
      if (outcomes.length === 1 && only) {
        const {instance, limits} = only
        return {value: only, text: isText ? instance.id : renderInstance(instance, this.renderEnv, limitPairs(limits, instance.cost_per_hour, this.renderEnv))}
      }
      const errors = new Map(failed.map(({error, instanceId}) => [error, {instance_id: instanceId, error: this.withFootprint(error)}]))
      return {
        value: outcomes.map(outcome => {
          if ('instance' in outcome) return outcome
          const {error, instance_id} = errors.get(outcome.error) ?? {instance_id: null, error: outcome.error}
          return {instance_id, error: errorJson(error, isRunctlError(error) ? error.exitCode : 1).error}
        }),
        text: isText ? made.map(({id}) => id).join('\n') : made.length > 0 ? renderInstanceList(made, this.renderEnv) : '',
        failures: [...errors.values()].map(({error}) => error),
      }
    }
  }
  return Create
}

/** Nothing was made, and all for one reason: that is one failure. */
function sayTheSame(failed: readonly {readonly error: unknown; readonly instanceId: string | null}[], count: number): boolean {
  const text = ({error}: {readonly error: unknown}): string => (isRunctlError(error) ? `${error.code} ${error.message}` : '')
  return failed.length === count && new Set(failed.map(text)).size === 1 && failed.every(({instanceId}) => instanceId === null)
}

function checkKey(key: string): string {
  if (/^[\x21-\x7e]{1,60}$/.test(key)) return key
  throw new RunctlError('bad_input', '--request-id wants 1 to 60 ASCII characters without blanks')
}
