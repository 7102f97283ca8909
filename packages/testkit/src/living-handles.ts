import { AsyncLocalStorage, createHook } from "node:async_hooks";
import { readdirSync, readlinkSync } from "node:fs";

/** Kinds of resources that keep running when nobody waits for them (names of Node's async_hooks). */
const handleTypes = new Set([
  "Timeout",
  "TCPWRAP",
  "TCPSERVERWRAP",
  "PIPEWRAP",
  "PIPESERVERWRAP",
  "UDPWRAP",
  "PROCESSWRAP",
  "WORKER",
  "FILEHANDLE",
  "DIRHANDLE",
  "FSEVENTWRAP",
  "STATWATCHER",
]);

/**
 * Runs `work`, waits up to two seconds for the timers, sockets, workers and files that it opened to end, and answers those that
 * have not. One-shot timers that do not keep the process alive (`AbortSignal.timeout`) do not count.
 */
export async function findLivingHandles(work: () => Promise<void>): Promise<readonly string[]> {
  const scope = new AsyncLocalStorage<true>();
  const opened = new Map<number, { readonly type: string; readonly resource: object }>();
  const hook = createHook({
    init(id, type, _trigger, resource: object) {
      if (handleTypes.has(type) && scope.getStore() === true) opened.set(id, { type, resource });
    },
    destroy(id) {
      opened.delete(id);
    },
  });
  hook.enable();
  try {
    await scope.run(true, work);
    // Looked at only after a while: what was asked for last may not be open yet.
    for (let waited = 0; waited === 0 || (waited < 40 && listLiving(opened).length > 0); waited++) await pause(50);
    return listLiving(opened);
  } finally {
    hook.disable();
  }
}

function listLiving(opened: ReadonlyMap<number, { readonly type: string; readonly resource: object }>): string[] {
  return [...opened.values()].flatMap(({ type, resource }) => {
    const isRepeating = typeof Reflect.get(resource, "_repeat") === "number";
    const isHarmless = type === "Timeout" && !isRepeating && !(resource as NodeJS.Timeout).hasRef();
    return isHarmless ? [] : [type];
  });
}

/** Files under a folder that this process has open. Looks at /proc, so it finds none where there is no such thing. */
export function listOpenFiles(folder: string): readonly string[] {
  const descriptors = attempt(() => readdirSync("/proc/self/fd")) ?? [];
  return descriptors.flatMap((descriptor) => {
    const target = attempt(() => readlinkSync(`/proc/self/fd/${descriptor}`)) ?? "";
    return target.startsWith(`${folder}/`) ? [target.slice(folder.length + 1)] : [];
  });
}

/** Waits in real time. */
export async function pause(milliseconds: number): Promise<void> {
  await new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}

function attempt<Result>(look: () => Result): Result | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
