/** Does the work for 0 to before `count`, `ahead` of them at once, and gives the results in order. The first failure ends it. */
export async function* inOrder<Result>(
  count: number,
  ahead: number,
  work: (index: number) => Promise<Result>,
): AsyncGenerator<Result> {
  const running: Promise<Result>[] = [];
  let next = 0;
  for (let index = 0; index < count; index++) {
    while (next < count && running.length < ahead) {
      const started = work(next++);
      // Whoever waits for an earlier one must not be ended by this one.
      started.catch(() => {});
      running.push(started);
    }
    yield await (running.shift() as Promise<Result>);
  }
}
