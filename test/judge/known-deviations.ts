import type {Difference} from './transcript.js'

export const IAM_DEVIATIONS: readonly (Difference & {because: string})[] = []
export const EC2_DEVIATIONS = IAM_DEVIATIONS
export const S3_DEVIATIONS = IAM_DEVIATIONS
