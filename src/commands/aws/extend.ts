import {extendCommand} from '../../cli/verbs/extend.js'

export default extendCommand('aws')
