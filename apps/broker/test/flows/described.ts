// Every answer a test's caller gets is held against /openapi.json.
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { openApiDocument } from "../../src/http/openapi/document.ts";

interface Response {
  readonly content?: Readonly<Record<string, unknown>>;
}
type Operations = Readonly<Record<string, { readonly responses: Readonly<Record<string, Response>> }>>;

const document = openApiDocument("http://127.0.0.1:8787");
const paths = Object.entries(document["paths"] as unknown as Record<string, Operations>).map(
  ([template, operations]) => ({
    template,
    operations,
    // The one whose names are longer first: /tile/entries/{path} before /tile/{path}, /v1/auth/poll before /v1/auth/{method}.
    weight: template.replaceAll(/\{[a-z_]+\}/gu, "").length,
    form: new RegExp(
      `^${template
        .replaceAll(/[.]/gu, String.raw`\.`)
        .replaceAll("{path}", ".+")
        .replaceAll(/\{[a-z_]+\}/gu, "[^/]+")}$`,
      "u",
    ),
  }),
);
const ajv = new Ajv2020({ strict: false, allErrors: true });
addFormats.default(ajv);
ajv.addSchema(document, "openapi");
const validators = new Map<string, ValidateFunction>();

/** What is wrong with an answer, by the document; undefined when nothing is. */
export function findUndescribed(answer: {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly type: string;
  readonly body: unknown;
}): string | undefined {
  const method = answer.method.toLowerCase();
  const found = paths
    .filter(({ form, operations }) => form.test(answer.path) && operations[method] !== undefined)
    .toSorted((one, other) => other.weight - one.weight)[0];
  const code = (answer.body as { code?: string } | undefined)?.code;
  if (found === undefined)
    return ["ERR_REQUEST_NOT_FOUND", "ERR_REQUEST_METHOD", "ERR_REQUEST_HOST"].includes(code ?? "")
      ? undefined
      : `an answer at ${answer.method} ${answer.path}, which is not described`;
  const response = found.operations[method]?.responses[answer.status];
  const where = `${answer.method} ${found.template} ${answer.status} ${code ?? ""}`;
  if (response === undefined) return `${where}: this status is not described`;
  const [type = ""] = answer.type.split(";");
  if (response.content === undefined)
    return type === "" || answer.body === "" ? undefined : `${where}: a body where none is described`;
  if (response.content[type] === undefined) return `${where}: the media type ${type} is not described`;
  if (!type.endsWith("json")) return undefined;
  const pointer = ["paths", found.template, method, "responses", String(answer.status), "content", type, "schema"]
    .map((part) => encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1")))
    .join("/");
  const validate = validators.get(pointer) ?? ajv.compile({ $ref: `openapi#/${pointer}` });
  validators.set(pointer, validate);
  if (validate(answer.body)) return undefined;
  return `${where}: ${ajv.errorsText(validate.errors)} in ${JSON.stringify(answer.body)}`;
}
