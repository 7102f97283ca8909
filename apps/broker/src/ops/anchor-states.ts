/** How one anchor is doing, as its publish loop left it. */
export interface AnchorState {
  /** `starting` before the first publish; `ok` when the last one was taken; else what came of it. */
  readonly status: "starting" | "ok" | "retry" | "ahead" | "fork" | "refused" | "failed";
  readonly reason?: string;
}

/** The states of all anchors, by name: written by their loops, read by who asks for the lag. */
export type AnchorStates = Map<string, AnchorState>;
