/** The role whose credentials are given. */
export interface Role {
  readonly arn: string;
  /** `aws`, `aws-cn`, `aws-us-gov`. */
  readonly partition: string;
  /** 12 digits; empty for a store without accounts, such as Ceph's. */
  readonly account: string;
  /** Without its path, as the ARNs of sessions have it. */
  readonly name: string;
}

const form = /^arn:(aws|aws-cn|aws-us-gov):iam::(\d{12}|):role\/(?:[\x21-\x7e]{1,511}\/)?([\w+=,.@-]{1,64})$/u;

/** The role of an ARN; undefined for any other text. */
export function parseRole(arn: string): Role | undefined {
  const [, partition = "", account = "", name = ""] = form.exec(arn) ?? [];
  return name === "" ? undefined : { arn, partition, account, name };
}

/** The ARN that STS gives a session of the role. */
export function sessionArn({ partition, account, name }: Role, session: string): string {
  return `arn:${partition}:sts::${account}:assumed-role/${name}/${session}`;
}
