import {localPlatform} from '../../providers/local/local-platform.js'
import type {RunctlHook} from '../events.js'

const registerLocal: RunctlHook<'platforms'> = () => Promise.resolve([localPlatform])

export default registerLocal
