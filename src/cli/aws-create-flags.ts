import {Flags} from '@oclif/core'

/** What only `runctl aws create` knows. Each reaches the provider under its own name, and only if it is given. */
export const awsCreateFlags = {
  ami: Flags.string({helpValue: 'ami-…', summary: 'Image. Default: aws.ami of the configuration, else Amazon Linux 2023, on GPU types the Deep Learning AMI.'}),
  'key-name': Flags.string({summary: 'Key pair for SSH of your own; runctl needs none. Default: aws.key_name.'}),
  subnet: Flags.string({helpValue: 'subnet-…', summary: 'Subnet. Default: aws.subnet, else that of the default VPC.'}),
  zone: Flags.string({helpValue: '<zone>', summary: 'Availability zone, e.g. eu-central-1a. Default: aws.zone, else EC2 chooses.'}),
  'security-group': Flags.string({multiple: true, multipleNonGreedy: true, helpValue: 'sg-…', summary: 'Security group; no port need be open. Repeatable. Default: aws.security_groups.'}),
  'instance-profile': Flags.string({summary: 'Instance profile. Default: aws.instance_profile, else runctl-instance, which `aws setup` makes.'}),
  'root-gib': Flags.integer({min: 1, max: 65_536, helpValue: '<GiB>', summary: 'Size of the root volume. Default: aws.root_gib, else 30 GiB, or what the image needs.'}),
  'data-volume': Flags.integer({min: 1, max: 65_536, helpValue: '<GiB>', summary: 'A second volume of this size, attached empty.'}),
  spot: Flags.boolean({summary: 'A spot instance: cheaper, and AWS may take it away with two minutes of notice.'}),
  'spot-max-price': Flags.string({helpValue: '<USD>', summary: 'The most to pay for an hour. Default: the on-demand price.', dependsOn: ['spot']}),
  'spot-fallback': Flags.option({
    options: ['none', 'on-demand'] as const,
    summary: 'What to do where no spot instance is to be had: fail, or take one at the full price. Default: none.',
    dependsOn: ['spot'],
  })(),
}
