import {pushCommand} from '../../cli/verbs/push.js'

export default pushCommand('aws')
