import type {Command} from '@oclif/core'

import type {CreateFlags} from './create-options.js'
import type {VerbFactory} from './platform-command.js'
import {createCommand} from './verbs/create.js'
import {stopCommand, terminateCommand} from './verbs/end.js'
import {execCommandFor} from './verbs/exec.js'
import {extendCommand} from './verbs/extend.js'
import {monitorCommand} from './verbs/monitor.js'
import {oneShotCommand} from './verbs/one-shot.js'
import {processesCommand} from './verbs/processes.js'
import {pullCommand} from './verbs/pull.js'
import {pushCommand} from './verbs/push.js'
import {startCommand} from './verbs/start.js'
import {statusCommand} from './verbs/status.js'
import {trainCommand} from './verbs/train.js'
import {waitCommand} from './verbs/wait.js'

/** What a platform adds to the commands that all platforms have. */
export interface PlatformCommandOptions {
  /** Flags of `create`; what they are given is in `CreateInstanceRequest.options`, by their names. */
  readonly createFlags?: CreateFlags
}

const VERBS: Readonly<Record<string, VerbFactory>> = {
  exec: execCommandFor,
  extend: extendCommand,
  monitor: monitorCommand,
  processes: processesCommand,
  pull: pullCommand,
  push: pushCommand,
  start: startCommand,
  status: statusCommand,
  stop: stopCommand,
  terminate: terminateCommand,
  train: trainCommand,
  wait: waitCommand,
}

/**
 * All commands of a platform by their oclif id: `ssh`, `ssh:create`, `ssh:train`, … A plugin exports this as its commands
 * (oclif's `explicit` strategy) and has every verb with the flags of the built-in platforms.
 */
export function platformCommands(platform: string, {createFlags = {}}: PlatformCommandOptions = {}): Record<string, Command.Class> {
  const verbs = Object.entries(VERBS).map(([verb, make]) => [`${platform}:${verb}`, make(platform)] as const)
  return {[platform]: oneShotCommand(platform), [`${platform}:create`]: createCommand(platform, createFlags), ...Object.fromEntries(verbs)}
}
