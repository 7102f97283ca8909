import { formatIssues, type StandardSchemaV1 } from "@agentkeys/core";

/** Every issue of a schema as `path: what to do`. An unknown key is called one, whatever the schema library's words for it are. */
export function tellIssues(section: string, issues: readonly StandardSchemaV1.Issue[]): readonly string[] {
  return formatIssues(section, issues).map((line) =>
    line.replace(
      /: Invalid key: Expected never but received ".*"$/u,
      ": unknown key; remove it or correct its spelling",
    ),
  );
}
