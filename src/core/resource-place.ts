import {isRunctlError, RunctlError} from '../model/errors.js'
import type {PlatformDeps} from './platform-deps.js'

/** Where resources are looked for: a platform, or one of its regions. */
export interface ResourcePlace {
  readonly deps: PlatformDeps
  /** Stands before a command, so that it is about this place: `RUNCTL_AWS_REGION=eu-west-1 `; empty where commands look here by themselves. */
  readonly before: string
  /** For the work on one of several instances: what it says bears the id, and what it leaves running is told apart. */
  scoped(instanceId: string): Promise<PlatformDeps>
}

/** A command for this place. */
export const inPlace = ({before}: Pick<ResourcePlace, 'before'>, command: string): string => (command.startsWith('runctl ') ? before + command : command)

/** The same error, whose commands are for this place. */
export function errorInPlace(place: Pick<ResourcePlace, 'before'>, error: unknown): unknown {
  if (place.before === '' || !isRunctlError(error)) return error
  const {cause, code, details, message, next, stillRunning} = error
  return new RunctlError(code, message, {stillRunning, next: next.map(command => inPlace(place, command)), details, cause})
}
