/**
 * One training submission. `stopped` is the only end; the reason says which end it was.
 *
 * - `preparing`: dependencies are being installed; the script does not run yet
 * - `running`: the script runs
 * - `stopping`: the script was asked to save and leave
 * - `stopped`: the script's main process is gone
 */
export const RUN_STATES = ['preparing', 'running', 'stopping', 'stopped'] as const
export type RunState = (typeof RUN_STATES)[number]

/**
 * `completed`: exit status 0 without having been asked to stop. `failed`: any other exit status, a signal, or
 * dependencies that could not be installed. `user`, `budget`, `idle`: asked to stop. `interrupted`: the machine went away.
 */
export type RunReason = 'budget' | 'completed' | 'failed' | 'idle' | 'interrupted' | 'user'

/** Run ids sort by time: `run-20261123-195501-3f9a07c1`. UTC, then chance: sixty runs begun in one second must not meet. */
export const RUN_ID_PATTERN = /^run-\d{8}-\d{6}-[0-9a-f]{4,8}$/

export function newRunId(now: Date, random: () => number = Math.random): string {
  const stamp = now.toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15)
  const suffix = Math.floor(random() * 0x1_0000_0000)
    .toString(16)
    .padStart(8, '0')
  return `run-${stamp}-${suffix}`
}

/** How a failed run's script ended: `failed (exit 3)`, `failed (SIGKILL)`, `failed` where nobody saw it. */
export function failureWords({exit_code, signal}: {readonly exit_code: number | null; readonly signal: string | null}): string {
  if (signal !== null) return `failed (${signal})`
  return exit_code === null ? 'failed' : `failed (exit ${exit_code})`
}

export const isActive = ({state}: {readonly state: RunState}): boolean => state !== 'stopped'
