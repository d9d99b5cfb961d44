import {ABSENT, type Difference} from './transcript.js'

export interface Deviation {
  readonly because: string
  /** By where it shows. */
  readonly differs: Readonly<Record<string, Pick<Difference, 'bench' | 'moto'>>>
}

export const IAM_DEVIATIONS: readonly Deviation[] = []

export const EC2_DEVIATIONS: readonly Deviation[] = [
  {
    because: 'moto gives every image a root of 15 GiB; the bench gives it what AWS publishes',
    differs: {'DescribeImages › rootGib': {bench: 8, moto: 15}},
  },
  {
    because: 'moto does not filter prices by ProductDescriptions',
    differs: {'DescribeSpotPriceHistory › systems › 0': {bench: 'Linux/UNIX', moto: 'Linux/UNIX (Amazon VPC)'}},
  },
  {
    because: 'moto ignores ClientToken',
    differs: {
      'RunInstances with the same token › same': {bench: true, moto: false},
      'RunInstances with the same token for something else': {bench: '400 IdempotentParameterMismatch', moto: '{}'},
    },
  },
  {
    because: 'moto launches images and types that it does not know',
    differs: {
      'RunInstances with no such image': {bench: '400 InvalidAMIID.NotFound', moto: '{}'},
      'RunInstances with no such type': {bench: '400 InvalidParameterValue', moto: '{}'},
    },
  },
  {
    because: "moto passes IAM's own error on; EC2 has none of that name",
    differs: {'RunInstances with no such profile': {bench: '400 InvalidParameterValue', moto: '404 NoSuchEntity'}},
  },
  {
    because: 'moto looks for an id without checking its form first',
    differs: {'DescribeInstances of what is no id': {bench: '400 InvalidInstanceID.Malformed', moto: '400 InvalidInstanceID.NotFound'}},
  },
  {
    because: 'moto puts tags on whatever it is told, under any key',
    differs: {
      'CreateTags on none': {bench: '400 InvalidInstanceID.NotFound', moto: '{}'},
      'CreateTags under a key of AWS': {bench: '400 InvalidParameterValue', moto: '{}'},
    },
  },
  {
    because: 'moto answers a change that changes nothing as if it began',
    differs: {
      'StartInstances of a running one › 0 › now': {bench: 'running', moto: 'pending'},
      'StopInstances of a stopped one › 0 › now': {bench: 'stopped', moto: 'stopping'},
      'TerminateInstances of a terminated one › 0 › now': {bench: 'terminated', moto: 'shutting-down'},
    },
  },
  {
    because: 'moto stops and starts terminated instances',
    differs: {
      'StopInstances of a terminated one': {bench: '400 IncorrectInstanceState', moto: ABSENT},
      'StopInstances of a terminated one › 0 › before': {bench: ABSENT, moto: 'terminated'},
      'StopInstances of a terminated one › 0 › id': {bench: ABSENT, moto: 'i-#1'},
      'StopInstances of a terminated one › 0 › now': {bench: ABSENT, moto: 'stopping'},
      'StartInstances of a terminated one': {bench: '400 IncorrectInstanceState', moto: ABSENT},
      'StartInstances of a terminated one › 0 › before': {bench: ABSENT, moto: 'stopped'},
      'StartInstances of a terminated one › 0 › id': {bench: ABSENT, moto: 'i-#1'},
      'StartInstances of a terminated one › 0 › now': {bench: ABSENT, moto: 'pending'},
    },
  },
  {
    because: 'moto takes the profile from a terminated instance; nothing reads it there',
    differs: {'DescribeInstances of a terminated one › profile': {bench: 'arn:aws:iam::123456789012:instance-profile/runctl-instance', moto: ABSENT}},
  },
  {
    because: 'moto makes no spot request for a spot instance from RunInstances, and stops it like any other',
    differs: {
      'RunInstances, spot › 0 › spotRequest': {bench: 'sir-#1', moto: ABSENT},
      'DescribeSpotInstanceRequests': {bench: ABSENT, moto: '[]'},
      'DescribeSpotInstanceRequests › 0 › InstanceId': {bench: 'i-#3', moto: ABSENT},
      'DescribeSpotInstanceRequests › 0 › SpotInstanceRequestId': {bench: 'sir-#1', moto: ABSENT},
      'DescribeSpotInstanceRequests › 0 › State': {bench: 'active', moto: ABSENT},
      'DescribeSpotInstanceRequests › 0 › Type': {bench: 'one-time', moto: ABSENT},
      'StopInstances of a one-time spot instance': {bench: '400 UnsupportedOperation', moto: '{}'},
    },
  },
]

export const S3_DEVIATIONS: readonly Deviation[] = [
  {
    because: 'since 2023 new buckets are private and encrypted by themselves; those of moto are not',
    differs: {
      'GetBucketEncryption of a new bucket': {bench: ABSENT, moto: '404 ServerSideEncryptionConfigurationNotFoundError'},
      'GetBucketEncryption of a new bucket › 0': {bench: 'AES256', moto: ABSENT},
      'GetPublicAccessBlock of a new bucket': {bench: ABSENT, moto: '404 NoSuchPublicAccessBlockConfiguration'},
      'GetPublicAccessBlock of a new bucket › BlockPublicAcls': {bench: true, moto: ABSENT},
      'GetPublicAccessBlock of a new bucket › BlockPublicPolicy': {bench: true, moto: ABSENT},
      'GetPublicAccessBlock of a new bucket › IgnorePublicAcls': {bench: true, moto: ABSENT},
      'GetPublicAccessBlock of a new bucket › RestrictPublicBuckets': {bench: true, moto: ABSENT},
    },
  },
  {
    because: 'moto compares no checksum with what arrived, nor the announced size of an upload in parts',
    differs: {
      'PutObject with a wrong checksum': {bench: '400 BadDigest', moto: '{}'},
      'CompleteMultipartUpload, another size than it has': {bench: '400 InvalidRequest', moto: '{}'},
    },
  },
  {
    because: 'moto tells the checksum of an upload in parts when it is read, not when it is completed',
    differs: {'CompleteMultipartUpload › ChecksumCRC32': {bench: 'oO49yw==', moto: ABSENT}},
  },
  {
    because: 'a second completion is answered by AWS in either way; runctl looks at the object after NoSuchUpload',
    differs: {
      'CompleteMultipartUpload again': {bench: '404 NoSuchUpload', moto: ABSENT},
      'CompleteMultipartUpload again › ETag': {bench: ABSENT, moto: '"e4fdfee4a2b47016812f0ee6a82fbc89-2"'},
    },
  },
  {
    because: 'moto fails where a part comes for an upload that is over',
    differs: {'UploadPart of no upload': {bench: '404 NoSuchUpload', moto: '500 Error'}},
  },
  {
    because: 'moto names what it deleted also where it was asked to be quiet',
    differs: {'DeleteObjects › quiet': {bench: true, moto: false}},
  },
  {
    because: 'moto checks no signature, and no expiry of one',
    differs: {
      'an expired presigned GET': {bench: '403 AccessDenied', moto: '200 '},
      'a presigned GET of another key': {bench: '403 SignatureDoesNotMatch', moto: '200 '},
    },
  },
]
