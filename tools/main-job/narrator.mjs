// What the main job prints: numbered steps, the command of each, what came of it, and how long it took.

/** A step failed; it has been said already which. */
export class StepFailed extends Error {}

export class Narrator {
  #count = 0;
  #started = performance.now();
  #isSilent = false;

  /** @param {(path: string) => string} shorten what makes a command readable */
  constructor(shorten) {
    this.shorten = shorten;
  }

  /**
   * Does one step. `commands` are what one would type; `work` answers the lines that say what came of it, with a value for the
   * steps after.
   *
   * @template Value
   * @param {string} title
   * @param {readonly string[]} commands
   * @param {() => Promise<readonly [Value, ...string[]]>} work
   * @returns {Promise<Value>}
   */
  async step(title, commands, work) {
    this.#count += 1;
    console.log(`\n${this.#count}. ${title}`);
    for (const command of commands) console.log(`   $ ${this.shorten(command).replaceAll("\n", "\n     ")}`);
    const started = performance.now();
    try {
      const [value, ...lines] = await work();
      for (const line of lines) console.log(`     ${this.shorten(line)}`);
      console.log(`     (${seconds(started)})`);
      return value;
    } catch (error) {
      if (this.#isSilent) throw new StepFailed(title);
      console.error(`\nFAILED at step ${this.#count}, "${title}":`);
      console.error(error instanceof Error ? error.message : String(error));
      throw new StepFailed(title);
    }
  }

  /** Says no more of a failure: the work is being stopped, and fails for that reason. */
  silence() {
    this.#isSilent = true;
  }

  /** How long all of it took. */
  get total() {
    return seconds(this.#started);
  }
}

/** @param {number} started */
function seconds(started) {
  return `${((performance.now() - started) / 1000).toFixed(1)} s`;
}
