import {waitCommand} from '../../cli/verbs/wait.js'

export default waitCommand('aws')
