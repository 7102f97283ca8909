import { isWithin } from "../files/within.ts";
import { UsageError } from "./command.ts";

/** Throws {@link UsageError} where a folder for backups and one of the broker's own lie one in the other, links followed. */
export function assertApart(backups: string, own: string): void {
  const advice = "keep backups apart, best on another disk";
  if (isWithin(backups, own)) throw new UsageError(`${backups} lies in ${own}: ${advice}`);
  if (isWithin(own, backups)) throw new UsageError(`${own} lies in ${backups}: ${advice}`);
}
