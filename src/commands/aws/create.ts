import {awsCreateFlags} from '../../cli/aws-create-flags.js'
import {createCommand} from '../../cli/verbs/create.js'

export default createCommand('aws', awsCreateFlags)
