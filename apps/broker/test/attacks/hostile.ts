// Values that a plug-in may answer with to confuse its host.

/** Source text for a plug-in: `trap` throws, `proxy` throws wherever it is looked at, `coded` makes an error that claims a code. */
export const hostile = `
const trap = () => { throw new Error("trapped"); };
const proxy = new Proxy({}, { get: (_, key) => (key === "then" ? undefined : trap()), has: trap, ownKeys: trap, getPrototypeOf: trap });
const coded = (code, facts) => Object.freeze(Object.defineProperty(Object.assign(new Error("no"), { code, facts }), Symbol.for("agentkeys.error"), { value: true }));
`;
