/**
 * What the values of arguments and flags are, where a command does not say it itself by `static completions = {args: {NAME: KIND}, flags: {NAME: KIND}}`:
 * a name means the same thing in every command.
 *
 * Kinds: `instance` (`instance:stopped`, `instance:running`: those first that are), `run`, `checkpoint`, `platform`, `target` (an instance or a platform),
 * `project`, `plugin`, `config-key`, `config-value`, `file`, `folder`, and `suggest:NAME`: what the platform suggests for NAME.
 */
const OF_ARGS: Readonly<Record<string, string>> = {
  instance: 'instance',
  run: 'run',
  script: 'file',
  checkpoint: 'checkpoint',
  a: 'checkpoint',
  b: 'checkpoint',
  target: 'target',
  key: 'config-key',
  value: 'config-value',
  file: 'file',
  folder: 'folder',
  source: 'file',
  plugin: 'plugin',
}

const OF_FLAGS: Readonly<Record<string, string>> = {
  'instance-id': 'instance',
  run: 'run',
  platform: 'platform',
  project: 'project',
  'project-name': 'project',
  type: 'suggest:type',
  region: 'suggest:region',
  resume: 'checkpoint',
  data: 'file',
  python: 'file',
  'env-file': 'file',
  'output-file': 'file',
}

/** Commands of oclif's own plugins, which cannot say it themselves: what is not yet a plugin here is not known. */
const OF_OTHERS: Readonly<Record<string, string>> = {
  'plugins:install plugin': 'none',
  'plugins:add plugin': 'none',
  'plugins:link path': 'folder',
}

export const kindOfArg = (name: string, command: string): string | undefined =>
  OF_OTHERS[`${command} ${name}`] ?? (Object.hasOwn(OF_ARGS, name) ? OF_ARGS[name] : undefined)
export const kindOfFlag = (name: string): string | undefined => (Object.hasOwn(OF_FLAGS, name) ? OF_FLAGS[name] : undefined)
