import {trainCommand} from '../../cli/verbs/train.js'

export default trainCommand('aws')
