import {userInfo} from 'node:os'
import path from 'node:path'
import {Flags} from '@oclif/core'

import type {Configuration} from '../config/load-configuration.js'
import type {WorkflowInput} from '../core/run-workflow.js'
import {parseDuration} from '../model/duration.js'
import {PULL_FOLDER} from '../model/pull-folder.js'
import {awsCreateFlags} from './aws-create-flags.js'
import {budgetFlag, budgetTerms, type BudgetHost} from './budget-flag.js'
import {createOptions} from './create-options.js'
import {durationFlag} from './duration-flag.js'
import {limitFlags, withLimits, type LimitFlagValues} from './limit-flags.js'
import {newRequestId} from './new-request-id.js'
import {saveSettings} from './save-settings.js'
import {trainFlags, trainInput, type TrainFlagValues} from './train-flags.js'
import {stepFlags} from './step-flags.js'

export const THEN = ['auto', 'keep', 'stop', 'terminate'] as const

/** Of a new instance. A platform that knows one of them not refuses it, before anything is made. */
const createFlags = {
  spot: Flags.boolean({summary: 'Create a spot instance, where the platform has them: cheaper, and it may be taken away.'}),
  'spot-fallback': awsCreateFlags['spot-fallback'],
}

export const workflowFlags = {
  ...trainFlags,
  ...limitFlags,
  ...stepFlags,
  timeout: durationFlag({summary: 'Give up waiting for the training after this time; the run goes on.'}),
  then: Flags.option({
    options: THEN,
    summary: 'What becomes of the instance at the end. auto: what was created or started here is stopped if it costs money, else kept. Default: workflow.then of the configuration (auto).',
  })(),
  type: Flags.string({summary: 'Instance type, where one is created and the platform has several.'}),
  ...createFlags,
  ...budgetFlag,
}

interface WorkflowFlagValues extends LimitFlagValues, TrainFlagValues {
  readonly then: (typeof THEN)[number] | undefined
  readonly timeout: number | undefined
  readonly type: string | undefined
  readonly spot: boolean | undefined
  readonly 'over-budget': boolean
  readonly 'spot-fallback': 'none' | 'on-demand' | undefined
}

export interface WorkflowContext {
  readonly config: Configuration
  readonly version: string
  readonly log: (bytes: Uint8Array) => unknown
  readonly budgetHost: BudgetHost
}

const READY_TIMEOUT_MS = parseDuration('10m')

export async function workflowInput(
  what: {readonly instanceId: string | null; readonly script: string; readonly args: readonly string[]},
  flags: WorkflowFlagValues,
  {budgetHost, config, log, version}: WorkflowContext,
): Promise<WorkflowInput> {
  const train = withLimits(await trainInput(what.script, what.args, flags, config), flags, config)
  const options = createOptions(createFlags, {...flags})
  return {
    instanceId: what.instanceId,
    create: {
      requestId: newRequestId(),
      name: flags.name ?? null,
      instanceType: flags.type ?? null,
      ...(Object.keys(options).length > 0 ? {options} : {}),
      project: train.projectName,
      owner: userInfo().username,
      version,
      ...budgetTerms(config, flags, budgetHost),
      limits: train.limits,
      wait: true,
      timeoutMs: READY_TIMEOUT_MS,
    },
    train: {...train, readyTimeoutMs: READY_TIMEOUT_MS, followed: true},
    then: flags.then ?? config.get('workflow.then'),
    ...saveSettings(config),
    timeoutMs: flags.timeout ?? null,
    readyTimeoutMs: READY_TIMEOUT_MS,
    pullTo: path.join(config.root, PULL_FOLDER),
    log,
  }
}
