// For tests of other packages: no other one may depend on an SDK of AWS.
export { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
