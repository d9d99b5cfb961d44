/** What a shell needs for completion, and what was done for it. */
export interface CompletionSetup {
  readonly shell: 'bash' | 'fish' | 'powershell' | 'zsh'
  /** What the shell reads; null for powershell, whose script oclif's own plugin makes. */
  readonly script: string | null
  /** Where it is kept. */
  readonly script_file: string | null
  /** The file that the shell reads when it starts, where a line in it is needed. */
  readonly startup_file: string | null
  readonly line: string | null
  /** Both are there. */
  readonly installed: boolean
  /** Files that were written. */
  readonly changed: readonly string[]
}
