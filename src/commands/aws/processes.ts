import {processesCommand} from '../../cli/verbs/processes.js'

export default processesCommand('aws')
