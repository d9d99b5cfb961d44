/**
 * Every key of the configuration that runctl itself has. One closed table: the reader, the writer, `runctl config`, `runctl init` and the
 * tests of the documentation all go by it; key-table.ts adds what plugins declare. A key is here only if the tool really uses it.
 */
import {projectNameOfFolder} from './project-name.js'

interface Described {
  /** One sentence, shown in the file that `init` writes. */
  readonly description: string
  /** How a value is written in TOML, for keys whose default says nothing. */
  readonly example?: string
  /** By a plugin. */
  readonly isDeclared?: true
  /** By a plugin, as a secret. */
  readonly isSecret?: boolean
}

/** `duration` is written like `"120s"` and read as milliseconds; a `name` is plain enough for folders, tags and buckets. */
export type KeyDefinition = Described &
  (
    | {readonly type: 'boolean'; readonly default: boolean | null}
    | {readonly type: 'choice'; readonly choices: readonly string[]; readonly default: string}
    | {readonly type: 'duration'; readonly default: string | null}
    | {readonly type: 'integer'; readonly default: number | null; readonly min?: number; readonly max?: number}
    | {readonly type: 'number'; readonly default: number | null; readonly min?: number; readonly max?: number}
    | {readonly type: 'list'; readonly default: readonly string[]}
    /** `names`: what the entries are called by. */
    | {readonly type: 'map'; readonly default: Readonly<Record<string, string>>; readonly names: 'plain' | 'variables'}
    | {readonly type: 'name'; readonly default: (root: string) => string}
    | {readonly type: 'string'; readonly default: string | null}
  )

export const CONFIG_KEYS = {
  'project.name': {
    type: 'name',
    default: projectNameOfFolder,
    description: 'Names the folder on the instance, the tags and the place in a bucket. Default: the name of this folder.',
  },
  'project.include': {
    type: 'list',
    default: [],
    example: '["data/labels.csv"]',
    description: 'Patterns of files that are sent although git ignores them.',
  },
  'train.python': {
    type: 'string',
    default: null,
    example: '"python3"',
    description: 'The Python that runs .py scripts on the instance. Unset: uv, or an environment from requirements.txt, or python3.',
  },
  'train.checkpoint_dir': {
    type: 'string',
    default: 'checkpoints',
    description: 'Where the script writes checkpoints: relative to the project folder, or absolute on the instance.',
  },
  'train.checkpoint_patterns': {
    type: 'list',
    default: [],
    example: '["*.pt", "last/*.bin"]',
    description: 'What counts as a checkpoint, below that folder. Empty: the usual formats (*.pt, *.safetensors, *.ckpt, …).',
  },
  'train.output_dir': {
    type: 'string',
    default: 'outputs',
    description: 'Where the script writes everything else that should be kept.',
  },
  'train.sync_code': {
    type: 'boolean',
    default: true,
    description: 'Send the code before training.',
  },
  'train.output_s3': {
    type: 'string',
    default: null,
    example: '"s3://my-bucket/my-project/"',
    description: 'Where checkpoints, logs and outputs go as they are written, on a platform with an object store.',
  },
  'train.resume_argument': {
    type: 'string',
    default: null,
    example: '"--load"',
    description: 'The argument in which the script takes the path to resume from, where its text contains it; "none": it never gets one. Unset: --resume-from.',
  },
  'train.env': {
    type: 'map',
    names: 'variables',
    default: {},
    example: '{OMP_NUM_THREADS = "8"}',
    description: 'Environment variables for the script.',
  },
  'stop.grace': {
    type: 'duration',
    default: '120s',
    description: 'How long the script may take to save its last checkpoint before it is ended.',
  },
  'spot.mean_time_to_interruption': {
    type: 'duration',
    default: '24h',
    description: 'How long a spot instance is left alone on average, for the advised time between checkpoints. An assumption: no cloud tells it.',
  },
  'limits.max_hours': {
    type: 'number',
    default: null,
    min: 0.01,
    max: 8760,
    example: '12',
    description: 'A new machine saves and stops itself after so many hours of running. Unset: it runs until somebody stops it.',
  },
  'limits.max_cost': {
    type: 'number',
    default: null,
    min: 0.01,
    max: 1_000_000,
    example: '25',
    description: 'A new machine saves and stops itself when it has cost so many US dollars.',
  },
  'limits.idle': {
    type: 'duration',
    default: '0s',
    description: 'A new machine stops itself after so long without a run, a login or progress. "0s": it does not.',
  },
  'limits.overrun': {
    type: 'duration',
    default: '15m',
    description: 'How long a stop by such a limit may be put off because nothing good could be saved; then the machine stops all the same.',
  },
  'budget.day': {
    type: 'number',
    default: null,
    min: 0,
    max: 10_000_000,
    example: '50',
    description: 'No new machine is made where the project would cost more than so many US dollars on a day (UTC).',
  },
  'budget.month': {
    type: 'number',
    default: null,
    min: 0,
    max: 10_000_000,
    example: '500',
    description: 'The same for a calendar month (UTC).',
  },
  'budget.warn_at': {
    type: 'number',
    default: 0.8,
    min: 0,
    max: 1,
    description: 'From this part of a budget on, commands that make or start machines warn.',
  },
  'workflow.then': {
    type: 'choice',
    choices: ['auto', 'keep', 'stop', 'terminate'],
    default: 'auto',
    description: 'What `workflow` does with the instance afterwards. auto: what it created or started is stopped if it costs money, else kept.',
  },
  'output.format': {
    type: 'choice',
    choices: ['table', 'text', 'json'],
    default: 'table',
    description: 'How results are printed.',
  },
  'aws.region': {
    type: 'string',
    default: null,
    example: '"eu-central-1"',
    description: 'The region of instances and bucket. AWS_REGION and AWS_DEFAULT_REGION go before what a file says.',
  },
  'aws.profile': {
    type: 'string',
    default: null,
    example: '"research"',
    description: 'The profile of ~/.aws to use. AWS_PROFILE goes before what a file says.',
  },
  'aws.bucket': {
    type: 'string',
    default: null,
    example: '"my-runctl-bucket"',
    description: 'A bucket for what is too large for a command: code, data, logs on their way. `runctl aws setup` makes one.',
  },
  'aws.instance_type': {
    type: 'string',
    default: null,
    example: '"g5.xlarge"',
    description: 'What `create` makes where --type does not say it.',
  },
  'aws.ami': {
    type: 'string',
    default: null,
    example: '"ami-0123456789abcdef0"',
    description: 'The image of new instances. Unset: Amazon Linux 2023, on GPU types the Deep Learning AMI.',
  },
  'aws.subnet': {
    type: 'string',
    default: null,
    example: '"subnet-0123456789abcdef0"',
    description: 'The subnet of new instances. Unset: that of the default VPC.',
  },
  'aws.zone': {
    type: 'string',
    default: null,
    example: '"eu-central-1a"',
    description: 'The availability zone of new instances. Unset: EC2 chooses.',
  },
  'aws.security_groups': {
    type: 'list',
    default: [],
    example: '["sg-0123456789abcdef0"]',
    description: 'The security groups of new instances. Empty: one named runctl without inbound rules, made in the VPC where it lacks; no port need be open.',
  },
  'aws.key_name': {
    type: 'string',
    default: null,
    example: '"my-key"',
    description: 'A key pair for SSH of your own; runctl needs none.',
  },
  'aws.instance_profile': {
    type: 'string',
    default: null,
    example: '"runctl-instance"',
    description: 'The instance profile of new instances. Unset: runctl-instance, which `runctl aws setup` makes.',
  },
  'aws.root_gib': {
    type: 'integer',
    default: null,
    min: 1,
    max: 65_536,
    example: '100',
    description: 'The size of the root volume of new instances in GiB. Unset: what the image says.',
  },
} as const satisfies Readonly<Record<`${string}.${string}`, KeyDefinition>>

export type ConfigKey = keyof typeof CONFIG_KEYS
export const CONFIG_KEY_NAMES = Object.keys(CONFIG_KEYS) as readonly ConfigKey[]
export const CONFIG_SECTIONS: readonly string[] = [...new Set(CONFIG_KEY_NAMES.map(key => sectionAndName(key)[0]))]

type ValueOf<D> = D extends {type: 'boolean'}
  ? boolean
  : D extends {type: 'choice'; choices: readonly (infer Choice)[]}
    ? Choice
    : D extends {type: 'duration'}
      ? number
      : D extends {type: 'list'}
        ? readonly string[]
        : D extends {type: 'map'}
          ? Readonly<Record<string, string>>
          : D extends {type: 'integer' | 'number'; default: null}
            ? number | null
            : D extends {type: 'integer' | 'number'}
              ? number
              : D extends {type: 'string'; default: null}
                ? string | null
                : string

/** What the tool gets for a key: durations in milliseconds. */
export type ConfigValue<K extends ConfigKey> = ValueOf<(typeof CONFIG_KEYS)[K]>

export function definitionOf(key: ConfigKey): KeyDefinition {
  return CONFIG_KEYS[key]
}

export function sectionAndName(key: string): readonly [section: string, name: string] {
  const dot = key.indexOf('.')
  return [key.slice(0, dot), key.slice(dot + 1)]
}

/** `train.checkpoint_dir` is RUNCTL_TRAIN_CHECKPOINT_DIR; a map has none. */
export function environmentVariableOf(key: string, {type}: Pick<KeyDefinition, 'type'> = definitionOf(key as ConfigKey)): string | null {
  return type === 'map' ? null : `RUNCTL_${key.toUpperCase().replaceAll(/[.-]/g, '_')}`
}
