import { logCases, registerConformance } from "@agentkeys/testkit";
import { it } from "vitest";
import plugin from "../src/index.ts";

registerConformance({ it }, logCases, async () => ({ plugin, config: {} }));
