import type {CleanupRule} from '../core/cleanup-verdict.js'
import {HOLDING_KINDS} from '../model/holding-kinds.js'

export const KINDS = ['instance', ...HOLDING_KINDS] as const

interface RuleFlags {
  readonly 'older-than': number
  readonly 'include-running': boolean
  readonly 'start-to-save': boolean
  readonly kind?: readonly (typeof KINDS)[number][] | undefined
  readonly owner?: string | undefined
  readonly project?: string | undefined
}

/** What the flags of `resources cleanup` say. */
export const cleanupRule = (flags: RuleFlags, user: string): CleanupRule => ({
  olderThanMs: flags['older-than'],
  project: flags.project ?? null,
  owner: flags.owner ?? user,
  kinds: flags.kind ?? KINDS,
  isKindNamed: flags.kind !== undefined,
  includeRunning: flags['include-running'],
  startToSave: flags['start-to-save'],
})
