import {statusCommand} from '../../cli/verbs/status.js'

export default statusCommand('aws')
