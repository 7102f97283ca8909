import type { Lifecycle } from "@agentkeys/core";
import { check } from "./expect.ts";
import type { Subject } from "./subject.ts";

/**
 * Fails the case unless the id that `start` makes holds 128 bits of the host's randomness: the same from two hosts of one seed,
 * and unlike from hosts of two.
 */
export async function expectUnguessable<Fixture, Instance extends Lifecycle>(
  subject: Subject<Fixture, Instance>,
  start: (instance: Instance) => Promise<{ readonly id: string }>,
): Promise<void> {
  const ids: string[] = [];
  for (const seed of ["one", "one", "other"]) {
    const host = subject.makeHost({ seed });
    const instance = await subject.open(host);
    const before = host.randomBytes;
    ids.push((await start(instance)).id);
    check(host.randomBytes - before >= 16, "a start takes less than 16 random bytes from the host");
  }
  const [one = "", same = "", other = ""] = ids;
  check(one === same, "the id comes from elsewhere than the host's randomness");
  const differing = Array.from(one).filter((letter, at) => letter !== other.charAt(at)).length;
  // 128 bits are 22 characters of base64url or 26 of base32, of which most differ between two random ids.
  check(one.length >= 22 && differing >= 14, "the id holds less than 128 random bits");
}
