import type {PlatformDeps} from './platform-deps.js'

/** What a transfer over the shell tells while it works, and the better way that it names. */
export function transferWords({progress, provider}: Pick<PlatformDeps, 'progress' | 'provider'>): {readonly betterWay?: string; readonly onWarning: (message: string) => void} {
  return {
    ...(provider.setup ? {betterWay: `runctl ${provider.name} setup`} : {}),
    onWarning: message => progress.emit({type: 'warning', message}),
  }
}
