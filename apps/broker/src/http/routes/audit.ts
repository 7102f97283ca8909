import * as v from "valibot";
import { AgentKeysError, type AuditEvent, type AuditView, type Json } from "@agentkeys/core";
import { Outcome, receiptMediaType, recordTypeName } from "@agentkeys/log";
import { instant } from "../../json/instant.ts";
import type { Broker } from "../../broker.ts";
import { upgradeReceipt } from "../../flows/upgrade-receipt.ts";
import { authenticate } from "../../steps/authenticate.ts";
import type { BrokerApp } from "../app.ts";
import { countStranger, person, presented } from "../context.ts";

const page = v.object({
  before: v.optional(v.pipe(v.string(), v.regex(/^(0|-?[1-9]\d{0,14})$/u), v.transform(Number))),
  limit: v.optional(v.pipe(v.string(), v.regex(/^[1-9]\d{0,2}$/u), v.transform(Number), v.maxValue(200)), "50"),
});

/** The log, as far as each caller may see it: heads for all, records for their own account. */
export function auditRoutes(app: BrokerApp, broker: Broker): void {
  app.get("/v1/audit/receipts/:record", async (c) => {
    const caller = authenticate(broker, presented(c));
    const record = c.req.param("record");
    const found = isUuid(record) ? await broker.log.find(record, c.get("requestId")) : undefined;
    const isTheirs =
      found !== undefined &&
      found.event.account === caller.account &&
      (caller.kind === "account" || found.event.agent === caller.agent);
    if (!isTheirs) throw notFound();
    const receipt = await upgradeReceipt(broker, found, caller.kind, c.get("requestId"));
    if (receipt === undefined) throw notFound();
    return c.body(receipt, 200, { "content-type": receiptMediaType });
  });
  app.get("/v1/audit/records", async (c) => {
    const { account } = person(broker, c);
    const asked = v.safeParse(page, c.req.query());
    if (!asked.success)
      throw new AgentKeysError("ERR_REQUEST_MALFORMED", "before or limit", {
        issues: ["expected before and limit (1 to 200) as whole numbers"],
      });
    const { before, limit } = asked.output;
    const views = await broker.log.read(
      { account, limit, ...(before === undefined ? {} : { before }) },
      c.get("requestId"),
    );
    return c.json({ records: views.map(recordJson) });
  });
  app.get("/v1/audit/lag", async (c) => {
    countStranger(broker, c, "reads");
    const head = await broker.log.head(c.get("requestId"));
    const newest = new Map(broker.readings.newestEvidence().map((one) => [one.anchor, one]));
    const anchors = broker.anchors.map(({ name }) => {
      const row = newest.get(name);
      const size = row?.size ?? 0;
      return {
        name,
        size,
        lag_records: Math.max(0, head.size - size),
        ...(row === undefined ? {} : { published_at: instant(row.publishedAt) }),
        ...(broker.anchorStates.get(name) ?? { status: "starting" }),
      };
    });
    return c.json({ size: head.size, anchors });
  });
}

const outcomes = Object.entries(Outcome).map(([name, number]) => [number, name] as const);

function recordJson({ index, event }: AuditView): Record<string, Json> {
  const { id, time, type, outcome, body: _, account: __, ...rest } = event;
  return {
    index,
    id,
    time: instant(time),
    type: recordTypeName(type),
    outcome: outcomes.find(([number]) => number === outcome)?.[1] ?? String(outcome),
    ...plain(rest),
  };
}

function plain(fields: Omit<AuditEvent, "id" | "time" | "type" | "outcome" | "body">): Record<string, Json> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Record<string, Json>;
}

function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/u.test(text);
}

function notFound(): AgentKeysError {
  return new AgentKeysError("ERR_REQUEST_NOT_FOUND", "there is nothing here for you", {});
}
