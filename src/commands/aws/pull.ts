import {pullCommand} from '../../cli/verbs/pull.js'

export default pullCommand('aws')
