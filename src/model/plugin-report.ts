/** What a plugin contributes, and what is wrong with it: `runctl plugins`, also its JSON form. */
export interface PluginReport {
  readonly name: string
  /** `unknown` where it cannot be loaded. */
  readonly version: string
  readonly kind: 'core' | 'installed' | 'linked'
  /** The folder. */
  readonly path: string
  /** Nothing of it is, where its package.json is wrong or for another API, or where it cannot be loaded. */
  readonly used: boolean
  /** What its package.json says under `runctl.apiVersion`; null: nothing. */
  readonly api_version: number | null
  readonly platforms: readonly string[]
  /** Sections of the configuration. */
  readonly settings: readonly string[]
  /** Its own, as they are typed; those of its platforms are not among them. */
  readonly commands: readonly string[]
  /** Events of runctl that it has a step for. */
  readonly steps: readonly string[]
  /** Events of oclif that it has a hook for: these run on every command. */
  readonly hooks: readonly string[]
  readonly checkpoint_formats: readonly string[]
  readonly problems: readonly PluginReportProblem[]
}

export interface PluginReportProblem {
  /** A sentence that names the plugin. */
  readonly message: string
  /** What mends it, most useful first. */
  readonly next: readonly string[]
}

export interface PluginsRemoved {
  /** Names. */
  readonly removed: readonly string[]
}

/** An installed plugin; `from` is `to` where there was nothing newer. */
export interface PluginUpdate {
  readonly name: string
  readonly from: string
  readonly to: string
}
