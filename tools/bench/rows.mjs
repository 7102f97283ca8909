// What a benchmark says: rows, medians, a table.

/**
 * `against` is the other side of the comparison, `bar` what `ratio` (or, with `most`, `value`) is held against. Null: there is none.
 *
 * @typedef {{ name: string, value: number, unit: string, against: number | null, ratio: number | null, bar: number | null, ok: boolean }} Row
 */

/** @param {readonly number[]} values */
export const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;

/**
 * A row whose ratio is at least the bar.
 *
 * @param {string} name
 * @param {string} unit
 * @param {readonly { value: number, against: number }[]} pairs
 * @param {number | null} [bar]
 * @returns {Row}
 */
export function ratioRow(name, unit, pairs, bar = null) {
  const ratio = median(pairs.map(({ value, against }) => value / against));
  const [value, against] = [median(pairs.map((pair) => pair.value)), median(pairs.map((pair) => pair.against))];
  return { name, value, unit, against, ratio, bar, ok: bar === null || ratio >= bar };
}

/**
 * A row whose value is below the bar.
 *
 * @param {string} name
 * @param {string} unit
 * @param {number} value
 * @param {number | null} [bar]
 * @param {number | null} [against]
 * @returns {Row}
 */
export function mostRow(name, unit, value, bar = null, against = null) {
  const ratio = against === null ? null : value / against;
  return { name, value, unit, against, ratio, bar, ok: bar === null || value <= bar };
}

const number = (/** @type {number | null} */ value) =>
  value === null ? "" : value >= 1000 ? value.toFixed(0) : String(Number(value.toPrecision(3)));

/** @param {readonly Row[]} rows */
export function formatTable(rows) {
  const lines = [
    ["What", "value", "unit", "against", "ratio", "bar", ""],
    ...rows.map((row) => [
      row.name,
      number(row.value),
      row.unit,
      number(row.against),
      number(row.ratio),
      number(row.bar),
      row.bar === null ? "" : row.ok ? "ok" : "FAILED",
    ]),
  ];
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => {
          const width = widths[column] ?? 0;
          return [1, 3, 4, 5].includes(column) ? cell.padStart(width) : cell.padEnd(width);
        })
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
