import {terminateCommand} from '../../cli/verbs/end.js'

export default terminateCommand('aws')
