import type {Instance} from '../model/instance.js'

export interface EndInput {
  readonly instanceId: string
  readonly kind: 'stop' | 'terminate'
  readonly graceMs: number
  /** End it even if nothing good was saved or a step failed. */
  readonly force: boolean
  readonly requestId: string
  readonly timeoutMs: number
  /** Looks at the instance as it is before anything is begun, and once more right before the end. What it throws ends nothing. */
  readonly mayStillEnd?: (instance: Instance) => void
}

export const endCommand = ({id, platform}: Instance, {kind}: Pick<EndInput, 'kind'>): string => `runctl ${platform} ${kind} ${id}`
export const forceCommand = (instance: Instance, input: Pick<EndInput, 'kind'>): string => `${endCommand(instance, input)} --force`
