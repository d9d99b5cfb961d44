import {awsPlatform} from '../../providers/aws/aws-platform.js'
import type {RunctlHook} from '../events.js'

const registerAws: RunctlHook<'platforms'> = () => Promise.resolve([awsPlatform])

export default registerAws
