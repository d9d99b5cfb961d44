/** What the commands about the configuration answer; also their JSON form (docs/json/config-*.schema.json, init.schema.json). */

/** A value as it is written in a file: durations are text. null: unset, without a default. */
export type WrittenValue = boolean | number | string | readonly string[] | Readonly<Record<string, string>> | null

export interface ConfigSetting {
  /** An entry of a map has its name behind: `train.env.OMP_NUM_THREADS`. */
  readonly key: string
  readonly value: WrittenValue
  readonly origin: 'default' | 'environment' | 'project' | 'user'
  /** Absolute path, and the line from 1; null unless the value is from a file. */
  readonly file: string | null
  readonly line: number | null
  /** null unless the value is from the environment. */
  readonly variable: string | null
}

export interface ConfigShowResult {
  readonly root: string
  readonly project_file: string | null
  readonly user_file: string | null
  readonly settings: readonly ConfigSetting[]
}

export interface ConfigSetResult {
  readonly key: string
  /** Hidden where the name looks like a secret's. */
  readonly value: WrittenValue
  readonly file: string
  /** The file was not there before. */
  readonly created: boolean
  /** What has the last word all the same: the file or variable of a higher layer that sets the key too; null where the new value counts. */
  readonly overridden_by: string | null
}

export interface ConfigValidateResult {
  readonly valid: true
  /** The files that were read; none: there is no configuration, the defaults apply. */
  readonly files: readonly string[]
}

export interface InitResult {
  readonly project_name: string
  readonly file: string
  /** There was one before (`--force`). */
  readonly replaced: boolean
  /** null outside a git repository. `added` lists the lines that were lacking. */
  readonly gitignore: {readonly file: string; readonly added: readonly string[]} | null
  /** The project file of a folder above, which counted here until now. */
  readonly hides: string | null
}
