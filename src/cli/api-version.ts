export {PROVIDER_API_VERSION} from '../providers/provider.js'
