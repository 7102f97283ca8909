import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  findScopeTextFault,
  formatScope,
  intersectScopes,
  isAgentKeysError,
  isWithin,
  parseScope,
  type Scope,
} from "../src/index.ts";
import { vectors } from "./vectors.ts";

const shown = (text: string): string => JSON.stringify(text);

describe("vectors of the scope format", () => {
  it.each(vectors.scopes)("asked $asked of $granted is within: $within, $why", ({ asked, granted, within }) => {
    expect(isWithin(asked, granted)).toBe(within);
  });
  it.each(vectors.scope_text_rejected.map((text) => [shown(text), text]))("the text %s is refused", (_shown, text) => {
    expect(findScopeTextFault(text)).toBeTypeOf("string");
    expect(() => parseScope({ actions: ["x"], resources: [text] })).toThrow(/^resources\[0\]: /u);
    expect(() => parseScope({ actions: ["x", text], resources: ["a"] })).toThrow(/^actions\[1\]: /u);
  });
  it.each(vectors.scope_text_accepted.map((text) => [shown(text), text]))("the text %s is taken", (_shown, text) => {
    expect(findScopeTextFault(text)).toBeUndefined();
    expect(parseScope({ actions: ["x"], resources: [text] }).resources).toEqual([text]);
  });
  it.each(vectors.scope_texts)("the canonical text is $text", ({ scope, text }) => {
    expect(formatScope(scope)).toBe(text);
    expect(formatScope(parseScope(scope))).toBe(text);
  });
});

describe("parseScope", () => {
  const good = { actions: ["x"], resources: ["a"] };
  it.each([
    ["no object", "x"],
    ["null", null],
    ["a list", [good]],
    ["an unknown member", { ...good, ttl: 1 }],
    ["an own __proto__", JSON.parse('{"actions":["x"],"resources":["a"],"__proto__":{}}')],
    ["no resources", { actions: ["x"] }],
    ["a text for a list", { ...good, actions: "x" }],
    ["an empty list", { ...good, actions: [] }],
    ["a number", { ...good, actions: [1] }],
    ["a hole", { ...good, actions: Array.from({ length: 1 }) }],
    ["101 items", { ...good, actions: Array.from({ length: 101 }, (_, at) => `a${at}`) }],
    ["a text of 1,025 characters", { ...good, actions: ["a".repeat(1025)] }],
    ["a lone surrogate", { ...good, actions: ["\ud800"] }],
    ["U+0085 at the end", { ...good, actions: ["a\u0085"] }],
  ])("refuses %s with ERR_GRANT_SCOPE", (_what, value) => {
    expect(() => parseScope(value)).toThrow(expect.objectContaining({ code: "ERR_GRANT_SCOPE" }));
  });

  it("takes 100 items of 1,024 characters", () => {
    const actions = Array.from({ length: 100 }, (_, at) => String(at).padStart(3, "0") + "a".repeat(1021));
    expect(parseScope({ ...good, actions }).actions).toHaveLength(100);
  });
  it("gives a frozen scope that shares nothing with what it was given", () => {
    const given = { actions: ["b", "a", "b"], resources: ["r"] };
    const scope = parseScope(given);
    given.actions.push("c");
    expect(scope).toEqual({ actions: ["a", "b"], resources: ["r"] });
    expect([scope, scope.actions, scope.resources].every((part) => Object.isFrozen(part))).toBe(true);
  });
  it("throws nothing but an AgentKeysError, whatever it is given", () => {
    fc.assert(
      fc.property(fc.oneof(fc.anything({ withNullPrototype: true }), nearScopes), (value) => {
        expect(outcomeOf(value)).toMatch(/^(taken|refused)$/u);
      }),
    );
  });
});

function outcomeOf(value: unknown): string {
  try {
    const { actions, resources } = parseScope(value);
    return actions.length > 0 && resources.length > 0 ? "taken" : "taken without meaning";
  } catch (error) {
    if (!isAgentKeysError(error, "ERR_GRANT_SCOPE")) return String(error);
    return error.facts.reason === error.message ? "refused" : "refused without a reason";
  }
}

describe("properties of scopes", () => {
  it("a scope is within itself", () => {
    fc.assert(
      fc.property(scopes, (scope) => {
        expect(isWithin(scope, scope)).toBe(true);
      }),
    );
  });
  it("what is within a scope is within everything that scope is within", () => {
    fc.assert(
      fc.property(chains, ([one, two, three]) => {
        expect(isWithin(one, two) && isWithin(two, three) && !isWithin(one, three)).toBe(false);
      }),
      { numRuns: 5000 },
    );
  });
  it("asking less stays within, and granting less never widens", () => {
    fc.assert(
      fc.property(scopes, scopes, (asked, granted) => {
        const less = { ...asked, resources: asked.resources.slice(0, 1) };
        const more = { ...granted, resources: [...granted.resources, "other"] };
        const [is, isLess, isMore] = [isWithin(asked, granted), isWithin(less, granted), isWithin(asked, more)];
        expect(is && !(isLess && isMore)).toBe(false);
      }),
    );
  });
  it("what begins with no granted prefix is not within", () => {
    fc.assert(
      fc.property(scopes, scopes, (asked, granted) => {
        const prefixes = granted.resources.map((item) => item.replace(/(?<=[/:])\*$/u, ""));
        const isCovered = asked.resources.every((item) => prefixes.some((prefix) => item.startsWith(prefix)));
        expect(!isCovered && isWithin(asked, granted)).toBe(false);
      }),
    );
  });
  it("the canonical text parses to a scope of the same text, in whatever order it was given", () => {
    fc.assert(
      fc.property(scopes, ({ actions, resources }) => {
        const text = formatScope({ actions, resources });
        const turned = { resources: resources.toReversed(), actions: [...actions, ...actions] };
        expect([formatScope(parseScope(JSON.parse(text))), formatScope(turned)]).toEqual([text, text]);
      }),
    );
  });
});

// A small alphabet, so that prefixes and stars meet often.
const items = fc
  .array(fc.constantFrom("a", "b", "/", ":", "*"), { minLength: 1, maxLength: 5 })
  .map((parts) => parts.join(""));
const lists = fc.array(items, { minLength: 1, maxLength: 3 });
const scopes: fc.Arbitrary<Scope> = fc.record({ actions: fc.constant(["x"]), resources: lists });
// Each is asked of the one before with a star in place of its end, so that many are within.
const chains = fc.tuple(items, fc.nat(4), fc.nat(4)).map(([item, cut, further]): [Scope, Scope, Scope] => {
  const middle = `${item.slice(0, cut)}*`;
  const of = (resource: string): Scope => ({ actions: ["x"], resources: [resource] });
  return [of(item), of(middle), of(`${middle.slice(0, further)}*`)];
});
const nearScopes = fc.record({
  actions: fc.oneof(lists, fc.array(fc.oneof(fc.string({ unit: "binary" }), fc.integer())), fc.string()),
  resources: fc.oneof(lists, fc.array(fc.string({ unit: "binary" }))),
});

describe("intersectScopes", () => {
  const item = fc.stringMatching(/^[ab][/:]?[ab]?[/:]?\*?$/u).filter((text) => findScopeTextFault(text) === undefined);
  const list = fc.array(item, { minLength: 1, maxLength: 4 });
  const someScope = fc.record({ actions: list, resources: list });

  it("holds what is within both, and nothing else", () => {
    fc.assert(
      fc.property(someScope, someScope, item, item, (one, other, action, resource) => {
        const asked = { actions: [action], resources: [resource] };
        const both = intersectScopes(one, other);
        const isInBoth = both !== undefined && isWithin(asked, both);
        expect(isInBoth).toBe(isWithin(asked, one) && isWithin(asked, other));
      }),
      { numRuns: 2000 },
    );
  });
  it("is a scope like any other: sorted, unique, the same from either side", () => {
    fc.assert(
      fc.property(someScope, someScope, (one, other) => {
        const both = intersectScopes(one, other);
        expect(both).toEqual(intersectScopes(other, one));
        expect(both).toEqual(both === undefined ? undefined : parseScope(both));
      }),
    );
  });
  it("of an empty list is nothing", () => {
    const whole = { actions: ["x"], resources: ["a/*"] };
    expect(intersectScopes(whole, { ...whole, actions: [] })).toBeUndefined();
  });
});
