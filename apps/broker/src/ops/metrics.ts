import type { Counter, Family, Gauge, Histogram, Registry } from "./registry.ts";

/** Every metric of the broker. No label ever holds an account, an agent, an address, an id or a secret. */
export interface Metrics {
  /** By method, route template, status and error code (`ok` without one). */
  readonly requests: Family<Counter>;
  /** Seconds, by method and route template. */
  readonly requestSeconds: Family<Histogram>;
  /** Seconds, by plug-in, method of its contract and outcome (`ok` or the error code). */
  readonly pluginSeconds: Family<Histogram>;
  /** By plug-in: calls it has not answered, those past their deadline too. */
  readonly pluginUnanswered: Family<Gauge>;
  /** What plug-ins measure of themselves, by plug-in and name: the sum. */
  readonly pluginValues: Family<Counter>;
  /** Requests turned away, by limit. */
  readonly limited: Family<Counter>;
  /** Connections turned away, by reason. */
  readonly connectionsRefused: Family<Counter>;
  readonly requestsRunning: Family<Gauge>;
  readonly outboxWaiting: Family<Gauge>;
  readonly logSize: Family<Gauge>;
  /** By anchor: the size of the newest head it has taken. */
  readonly anchorSize: Family<Gauge>;
  /** By anchor: records behind the log. */
  readonly anchorLag: Family<Gauge>;
  /** By anchor: seconds since it last took a head. */
  readonly anchorAge: Family<Gauge>;
  /** By step of a flow: seconds. */
  readonly stepSeconds: Family<Histogram>;
}

/** Upper bounds in seconds: from a fraction of a mint to a request's deadline. */
const buckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Defines them in a registry. */
export function createMetrics(registry: Registry): Metrics {
  const { counter, gauge, histogram } = registry;
  return {
    requests: counter({
      name: "agentkeys_http_requests_total",
      help: "Requests answered, by route, status and error code.",
      labels: ["method", "route", "status", "code"],
    }),
    requestSeconds: histogram({
      name: "agentkeys_http_request_seconds",
      help: "Time from a request's header to its answer; POST /v1/credentials is the main job.",
      labels: ["method", "route"],
      buckets,
    }),
    stepSeconds: histogram({
      name: "agentkeys_step_seconds",
      help: "Time of each step of issuing a credential.",
      labels: ["step"],
      buckets,
    }),
    pluginSeconds: histogram({
      name: "agentkeys_plugin_call_seconds",
      help: "Time of each call into a plug-in, by outcome.",
      labels: ["plugin", "method", "outcome"],
      buckets,
    }),
    pluginUnanswered: gauge({
      name: "agentkeys_plugin_calls_unanswered",
      help: "Calls each plug-in has not answered, those past their deadline too.",
      labels: ["plugin"],
    }),
    pluginValues: counter({
      name: "agentkeys_plugin_measurements_total",
      help: "What plug-ins measure of themselves, added up.",
      labels: ["plugin", "name"],
    }),
    limited: counter({
      name: "agentkeys_limited_total",
      help: "Requests turned away with 429, by limit.",
      labels: ["limit"],
    }),
    connectionsRefused: counter({
      name: "agentkeys_connections_refused_total",
      help: "Connections and requests the listener turned away, by reason.",
      labels: ["reason"],
    }),
    requestsRunning: gauge({ name: "agentkeys_http_requests_running", help: "Requests being worked on." }),
    outboxWaiting: gauge({ name: "agentkeys_outbox_waiting", help: "Decided events that wait for the audit log." }),
    logSize: gauge({ name: "agentkeys_log_size", help: "Records in the audit log, as of its last answer." }),
    anchorSize: gauge({
      name: "agentkeys_anchor_size",
      help: "Size of the newest head each anchor has taken.",
      labels: ["anchor"],
    }),
    anchorLag: gauge({
      name: "agentkeys_anchor_lag_records",
      help: "Records each anchor is behind the log.",
      labels: ["anchor"],
    }),
    anchorAge: gauge({
      name: "agentkeys_anchor_age_seconds",
      help: "Seconds since each anchor last took a head.",
      labels: ["anchor"],
    }),
  };
}
