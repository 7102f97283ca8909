/** The configuration of the broker: the rest is as it is without a file. */
export function configuration(
  /** @type {string} */ url,
  /** @type {number} */ port,
  /** @type {{address: string, vkey: string}} */ witness,
) {
  return `[broker]
public_url = "${url}"
listen = "127.0.0.1:${port}"
data_dir = "data"

[audit]
anchors = ["witness"]

[audit.witness]
url = "${witness.address}"
vkey = "${witness.vkey}"
`;
}
