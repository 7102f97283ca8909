/** Lines of columns under their headings; what is undefined shows as a dash. */
export function formatTable(
  headings: readonly string[],
  rows: readonly (readonly (string | number | undefined)[])[],
): readonly string[] {
  const texts = rows.map((row) => row.map((cell) => (cell === undefined ? "-" : printable(String(cell)))));
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...texts.map((row) => row[column]?.length ?? 0)),
  );
  return [headings, ...texts].map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

/** RFC 3339 in whole seconds. */
export function formatInstant(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 19)}Z`;
}

const acted = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** Text from elsewhere without what a terminal would act upon. */
export function printable(text: string): string {
  return text.replace(acted, "\uFFFD");
}

/** One line of JSON in which what a terminal would act upon stands escaped: JSON itself leaves half of that as it is. */
export function formatJson(value: unknown): string {
  return JSON.stringify(value).replace(acted, (character) =>
    Array.from(
      { length: character.length },
      (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, "0")}`,
    ).join(""),
  );
}
