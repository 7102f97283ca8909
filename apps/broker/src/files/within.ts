import { lstatSync, readlinkSync, realpathSync } from "node:fs";
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { isMissing } from "./durable.ts";

/** True when a path is a folder, or lies in it or would: links are followed, and neither need be there. */
export function isWithin(path: string, folder: string): boolean {
  const way = relative(realPathOf(resolve(folder)), realPathOf(resolve(path)));
  return way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

/** Where something made under the path would lie. */
function realPathOf(path: string): string {
  try {
    return realpathSync.native(path);
  } catch (fault) {
    if (!isMissing(fault)) return path;
    const target =
      lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true ? readlinkSync(path) : undefined;
    return target === undefined
      ? join(realPathOf(dirname(path)), basename(path))
      : realPathOf(resolve(dirname(path), target));
  }
}
