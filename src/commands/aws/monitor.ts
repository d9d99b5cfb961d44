import {monitorCommand} from '../../cli/verbs/monitor.js'

export default monitorCommand('aws')
