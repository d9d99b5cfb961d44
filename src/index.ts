/**
 * The public API for plugins. What is not exported here is not promised to stay. A plugin needs it for its types alone: what it uses at run time is handed
 * to it (ProviderEnvironment, StepContext, the `runctl-api` hook). The values are for tests, and for programs that embed runctl.
 */
export type {AgentCallOptions, AgentClient} from './agent/client.js'
export type {AgentVerb, AgentVerbs, RunStatus} from './agent/protocol.js'
export {platformCommands, type PlatformCommandOptions} from './cli/platform-commands.js'
export type {CheckpointFormat, EventOptions, EventReturn, LifecycleEvent, RunctlApi, RunctlHook, RunctlHooks, SaveResult, StepContext} from './hooks/events.js'
export type {Checkpoint, CheckpointPlace, CheckpointState, StoredCheckpoint} from './model/checkpoint.js'
export {EXIT_CODES, isRunctlError, RunctlError, type ErrorCode, type RunctlErrorOptions} from './model/errors.js'
export {INSTANCE_STATES, TAGS, type Instance, type InstanceState, type InstanceStateReason} from './model/instance.js'
export {quoteForShell} from './model/quote-for-shell.js'
export type {DeclaredFlag, DeclaredPlatform, DeclaredSetting, PluginBlock} from './model/plugin-block.js'
export {PROVIDER_API_VERSION} from './providers/provider.js'
export type {
  CallOptions,
  Check,
  CheckResult,
  CheckTarget,
  CreateInstanceRequest,
  CreateOption,
  CreatePlan,
  DiskPrice,
  FirstLimits,
  Holding,
  HoldingKind,
  Holdings,
  HourlyPrice,
  InstanceQuery,
  ObjectInfo,
  ObjectStore,
  PlatformDefinition,
  Pricing,
  Provider,
  ProviderEnvironment,
  PutOptions,
  RehearsalStore,
  SelfStop,
  Setup,
  SetupReport,
  SetupRequest,
  SetupStep,
  Shell,
  ShellRequest,
  ShellResult,
  StoreAccess,
  Suggestion,
} from './providers/provider.js'
