/**
 * What a plugin declares under `runctl` in its package.json. All of it is known without loading any code of the plugin: commands, help, completion and
 * the configuration go by it, and a plugin that is written for another API is refused before anything of it runs.
 *
 *     {"runctl": {"apiVersion": 1,
 *                 "platforms": {"shed": {"description": "Machines in the shed", "createFlags": {"shelf": {"type": "integer", "summary": "Which shelf."}}}},
 *                 "settings": {"shed": {"door": {"type": "string", "description": "The address of the door."}}}}}
 */
export interface PluginBlock {
  /** The PROVIDER_API_VERSION that the plugin was written against. */
  readonly apiVersion: number
  /** By name. runctl makes the commands of each (`shed create`, `shed train`, …); the `platforms` hook gives the providers. */
  readonly platforms: Readonly<Record<string, DeclaredPlatform>>
  /** Sections of the configuration, by section and name. A platform gets the section of its name; steps get all. */
  readonly settings: Readonly<Record<string, Readonly<Record<string, DeclaredSetting>>>>
}

export interface DeclaredPlatform {
  /** A line for `runctl --help`. */
  readonly description: string
  /** Flags of `create` that only this platform has, by name. What they are given reaches `createInstance` in `request.options`. */
  readonly createFlags: Readonly<Record<string, DeclaredFlag>>
}

export interface DeclaredFlag {
  readonly type: 'boolean' | 'integer' | 'string'
  readonly summary: string
  /** The only values that are taken; of a string. */
  readonly options?: readonly string[]
  /** May be given several times; of a string. */
  readonly multiple?: boolean
}

/** As in a configuration file: a duration is written like "120s" and read as milliseconds, a map is a table of strings. */
export interface DeclaredSetting {
  readonly type: 'boolean' | 'duration' | 'integer' | 'list' | 'map' | 'number' | 'string'
  /** One sentence. */
  readonly description: string
  /** `runctl config` shows it to nobody but who asks for it by its name. So are names such as `token` or `password`. */
  readonly secret?: boolean
}
