import type { Family, Histogram } from "./registry.ts";

/** Measures steps that follow each other: each lap is the time since the one before, under its name. */
export function startLaps(seconds: Family<Histogram>): (step: string) => void {
  let last = performance.now();
  return (step) => {
    const now = performance.now();
    seconds.with(step).observe((now - last) / 1000);
    last = now;
  };
}
