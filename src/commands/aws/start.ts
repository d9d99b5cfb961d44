import {startCommand} from '../../cli/verbs/start.js'

export default startCommand('aws')
