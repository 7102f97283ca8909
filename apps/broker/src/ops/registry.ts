/** Adds up. */
export interface Counter {
  add(amount?: number): void;
}

/** Goes up and down. */
export interface Gauge {
  set(value: number): void;
}

/** Spreads what was measured over buckets. */
export interface Histogram {
  observe(value: number): void;
}

/** One metric, whose member for some label values is made once and then found without making anything. */
export interface Family<Member> {
  with(...labels: readonly string[]): Member;
}

/** What is made of a metric: its name (with the unit), what it says, its label names. */
export interface MetricFacts {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
}

/** The metrics of one process, written as the text format 0.0.4 of Prometheus. */
export interface Registry {
  readonly counter: (facts: MetricFacts) => Family<Counter>;
  readonly gauge: (facts: MetricFacts) => Family<Gauge>;
  /** `buckets` are upper bounds, ascending. */
  readonly histogram: (facts: MetricFacts & { readonly buckets: readonly number[] }) => Family<Histogram>;
  /** Called before each writing, to set what is only looked at then. */
  collect(look: () => void): void;
  text(): string;
}

/** A line of one member, after the metric's name: suffix, labels, value. */
type Lines = (labels: string) => string[];

/** Members by their label values, one map a label: no key is built for a look. */
interface Branch<Member> {
  member?: Member;
  readonly next: Map<string, Branch<Member>>;
}

/** A metric with more members than this has a label that holds what it should not: later ones share one. */
const mostMembers = 1000;

/** Makes an empty registry. */
export function createRegistry(): Registry {
  const families: (() => string)[] = [];
  const looks: (() => void)[] = [];

  function family<Member>(
    type: string,
    { name, help, labels = [] }: MetricFacts,
    make: () => { readonly member: Member; readonly lines: Lines },
  ): Family<Member> {
    const root: Branch<Member> = { next: new Map() };
    const written: { readonly labels: string; readonly lines: Lines }[] = [];
    families.push(() => {
      const lines = written.flatMap((one) => one.lines(one.labels));
      return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.map((line) => `${name}${line}\n`).join("")}`;
    });
    const add = (branch: Branch<Member>, values: readonly string[]): Member => {
      const { member, lines } = make();
      branch.member = member;
      written.push({ labels: labels.map((label, at) => `${label}="${escape(values[at] ?? "")}"`).join(","), lines });
      return member;
    };
    let rest: Branch<Member> | undefined;
    return {
      with(...values) {
        let branch = root;
        for (const value of values) {
          let next = branch.next.get(value);
          if (next === undefined) {
            if (written.length >= mostMembers) {
              rest ??= { next: new Map() };
              return (
                rest.member ??
                add(
                  rest,
                  labels.map(() => "other"),
                )
              );
            }
            next = { next: new Map() };
            branch.next.set(value, next);
          }
          branch = next;
        }
        return branch.member ?? add(branch, values);
      },
    };
  }

  return {
    counter: (facts) => family("counter", facts, () => numberMember(0)),
    gauge: (facts) => family("gauge", facts, () => numberMember(0)),
    histogram: (facts) => family("histogram", facts, () => histogramMember(facts.buckets)),
    collect: (look) => void looks.push(look),
    text() {
      for (const look of looks) look();
      return families.map((write) => write()).join("");
    },
  };
}

function numberMember(start: number): { member: Counter & Gauge; lines: Lines } {
  let value = start;
  return {
    member: {
      add: (amount = 1) => {
        value += amount;
      },
      set: (to) => {
        value = to;
      },
    },
    lines: (labels) => [`${braces(labels)} ${formatNumber(value)}`],
  };
}

function histogramMember(buckets: readonly number[]): { member: Histogram; lines: Lines } {
  const counts = new Float64Array(buckets.length + 1);
  let sum = 0;
  return {
    member: {
      observe: (value) => {
        let at = 0;
        while (at < buckets.length && value > (buckets[at] ?? Infinity)) at += 1;
        counts[at] = (counts[at] ?? 0) + 1;
        sum += value;
      },
    },
    lines: (labels) => {
      let total = 0;
      const more = labels === "" ? "" : `${labels},`;
      const lines = [...counts].map((count, at) => {
        total += count;
        return `_bucket{${more}le="${formatNumber(buckets[at] ?? Infinity)}"} ${total}`;
      });
      return [...lines, `_sum${braces(labels)} ${formatNumber(sum)}`, `_count${braces(labels)} ${total}`];
    },
  };
}

function braces(labels: string): string {
  return labels === "" ? "" : `{${labels}}`;
}

function formatNumber(value: number): string {
  if (value === Infinity) return "+Inf";
  return value === -Infinity ? "-Inf" : String(value);
}

function escape(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
