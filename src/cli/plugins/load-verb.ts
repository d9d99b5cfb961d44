import type {Command} from '@oclif/core'

import type {CreateFlags} from '../create-options.js'
import type {VerbFactory} from '../platform-command.js'

/** Each verb in a module of its own: what runs one loads no other. */
const FACTORIES: Readonly<Record<string, () => Promise<VerbFactory>>> = {
  exec: async () => (await import('../verbs/exec.js')).execCommandFor,
  extend: async () => (await import('../verbs/extend.js')).extendCommand,
  monitor: async () => (await import('../verbs/monitor.js')).monitorCommand,
  processes: async () => (await import('../verbs/processes.js')).processesCommand,
  pull: async () => (await import('../verbs/pull.js')).pullCommand,
  push: async () => (await import('../verbs/push.js')).pushCommand,
  start: async () => (await import('../verbs/start.js')).startCommand,
  status: async () => (await import('../verbs/status.js')).statusCommand,
  stop: async () => (await import('../verbs/end.js')).stopCommand,
  terminate: async () => (await import('../verbs/end.js')).terminateCommand,
  train: async () => (await import('../verbs/train.js')).trainCommand,
  wait: async () => (await import('../verbs/wait.js')).waitCommand,
}

/** The class of `<platform>:<verb>`, or of `<platform>` alone. The ids are those of `platformCommands`. */
export async function loadVerb(platform: string, id: string, createFlags: CreateFlags): Promise<Command.Class> {
  if (id === platform) return (await import('../verbs/one-shot.js')).oneShotCommand(platform)
  const verb = id.slice(platform.length + 1)
  if (verb === 'create') return (await import('../verbs/create.js')).createCommand(platform, createFlags)
  const factory = FACTORIES[verb]
  if (factory === undefined) throw new TypeError(`no such verb: ${id}`)
  return (await factory())(platform)
}
