# Elastic Load Balancing can write to a bucket with S3's own encryption only (user guide, "Enable access logs").

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  logs_bucket = "${var.name}-alb-logs-${data.aws_caller_identity.current.account_id}-${data.aws_region.current.region}"
  logs_arn    = "arn:${data.aws_partition.current.partition}:s3:::${local.logs_bucket}"

  # Regions from before August 2022 write as an account of Elastic Load Balancing's; later ones as the service, which the older
  # ones are moving to (user guide, "Enable access logs"). Both are let in where there are both.
  writers = {
    af-south-1     = "098369216593"
    ap-east-1      = "754344448648"
    ap-northeast-1 = "582318560864"
    ap-northeast-2 = "600734575887"
    ap-northeast-3 = "383597477331"
    ap-south-1     = "718504428378"
    ap-southeast-1 = "114774131450"
    ap-southeast-2 = "783225319266"
    ap-southeast-3 = "589379963580"
    ca-central-1   = "985666609251"
    eu-central-1   = "054676820928"
    eu-north-1     = "897822967062"
    eu-south-1     = "635631232127"
    eu-west-1      = "156460612806"
    eu-west-2      = "652711504416"
    eu-west-3      = "009996457667"
    me-south-1     = "076674570225"
    sa-east-1      = "507241528517"
    us-east-1      = "127311923021"
    us-east-2      = "033677994240"
    us-west-1      = "027434742980"
    us-west-2      = "797873946194"
  }
  writer = lookup(local.writers, data.aws_region.current.region, null)
}

resource "aws_s3_bucket" "logs" {
  #checkov:skip=CKV_AWS_145:Elastic Load Balancing cannot write with a key
  #checkov:skip=CKV_AWS_144:Access logs are not worth a second region
  #checkov:skip=CKV_AWS_18:A log of who reads the log has no end
  #checkov:skip=CKV_AWS_21:Log files are written once and never changed
  #checkov:skip=CKV2_AWS_62:Nothing waits for a log file
  count = var.access_logs == null ? 0 : 1

  bucket        = local.logs_bucket
  force_destroy = !var.deletion_protection
  tags          = var.tags

  lifecycle {
    precondition {
      condition     = length(local.logs_bucket) <= 63
      error_message = "The bucket of the access logs would be called ${local.logs_bucket}, and a name has 63 characters at most: shorten name, or set access_logs to null."
    }
  }
}

resource "aws_s3_bucket_public_access_block" "logs" {
  count = length(aws_s3_bucket.logs)

  bucket                  = aws_s3_bucket.logs[0].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "logs" {
  count = length(aws_s3_bucket.logs)

  bucket = aws_s3_bucket.logs[0].id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "logs" {
  count = length(aws_s3_bucket.logs)

  bucket = aws_s3_bucket.logs[0].id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "logs" {
  count = length(aws_s3_bucket.logs)

  bucket = aws_s3_bucket.logs[0].id

  rule {
    id     = "age"
    status = "Enabled"
    filter {}

    expiration {
      days = var.access_logs.days
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }
}

resource "aws_s3_bucket_policy" "logs" {
  count = length(aws_s3_bucket.logs)

  bucket = aws_s3_bucket.logs[0].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "LoadBalancerWrites"
        Effect = "Allow"
        Principal = merge(
          { Service = "logdelivery.elasticloadbalancing.amazonaws.com" },
          local.writer == null ? {} : { AWS = "arn:${data.aws_partition.current.partition}:iam::${local.writer}:root" },
        )
        Action   = "s3:PutObject"
        Resource = "${local.logs_arn}/AWSLogs/${data.aws_caller_identity.current.account_id}/*"
      },
      {
        Sid       = "OnlyTls"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = [local.logs_arn, "${local.logs_arn}/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
    ]
  })

  depends_on = [aws_s3_bucket_public_access_block.logs]
}
