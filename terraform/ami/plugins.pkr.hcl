packer {
  # 1.9: `imds_support` and what else host.pkr.hcl asks of the builder.
  required_version = ">= 1.9.0"
  required_plugins {
    amazon = {
      source  = "github.com/hashicorp/amazon"
      version = "~> 1.3"
    }
  }
}
