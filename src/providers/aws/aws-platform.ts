import {PROVIDER_API_VERSION, type PlatformDefinition, type Provider, type ProviderEnvironment} from '../provider.js'
import {isAwsConfigured} from './is-configured.js'

/** Light: nothing of the provider, and nothing of the SDK, is loaded before `create`. */
export const awsPlatform: PlatformDefinition = {
  name: 'aws',
  apiVersion: PROVIDER_API_VERSION,
  description: 'EC2 instances, reached over SSM; checkpoints and data in S3',
  ownsInstanceId: id => /^i-([0-9a-f]{8}|[0-9a-f]{17})$/.test(id),
  isConfigured: isAwsConfigured,
  create: createAwsProvider,
}

/** Rejects with `bad_input` for settings of the wrong kind. Makes no call. */
async function createAwsProvider({dataDir, env, settings}: ProviderEnvironment): Promise<Provider> {
  const [{AwsProvider}, {createClients}, {readAwsSettings}, {systemClock}] = await Promise.all([
    import('./aws-provider.js'),
    import('./clients.js'),
    import('./instances/aws-settings.js'),
    import('./clock.js'),
  ])
  const checked = readAwsSettings(settings)
  return new AwsProvider({clients: createClients({env, settings}), settings: checked, dataDir, clock: systemClock})
}
