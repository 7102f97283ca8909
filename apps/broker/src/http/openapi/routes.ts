import { accountRoutes } from "./describe-account.ts";
import { accountsRoutes } from "./describe-accounts.ts";
import { credentialRoutes } from "./describe-credentials.ts";
import { proposalRoutes } from "./describe-proposals.ts";
import { publicRoutes } from "./describe-public.ts";
import { signInRoutes } from "./describe-sign-in.ts";
import type { RouteDescription } from "./description.ts";

/**
 * Every route of the broker, described. A route that is added is added here, in one of these lists or a new one beside them: a test
 * fails for a route without a description, for a description without a route, and for an answer that is not as described.
 */
export const routeDescriptions: readonly RouteDescription[] = [
  ...publicRoutes,
  ...signInRoutes,
  ...accountRoutes,
  ...accountsRoutes,
  ...credentialRoutes,
  ...proposalRoutes,
];
