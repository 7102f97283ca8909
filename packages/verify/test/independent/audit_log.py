"""Audits AgentKeys logs with nothing of AgentKeys: C2SP tlog-tiles, the written record format, Python, `cryptography` and `cbor2`.

Standard input: a JSON list of cases {"resources": {path: base64}, "keys": [vkey], "since": note or null, "previous": resources or null}.
Standard output: a JSON list of {"level": text, "reason": text, "size": number or null}, in the same order.
"""

import base64
import hashlib
import json
import sys

from verify_receipt import Refused, decode_record, need, parse_checkpoint, parse_note, parse_vkey, signed_by


def sha256(data):
    return hashlib.sha256(data).digest()


def root_of(hashes):
    """MTH of RFC 6962 section 2.1, over leaf hashes."""
    if not hashes:
        return sha256(b"")
    if len(hashes) == 1:
        return hashes[0]
    split = 1 << ((len(hashes) - 1).bit_length() - 1)
    return sha256(b"\x01" + root_of(hashes[:split]) + root_of(hashes[split:]))


def path_of(level, index, width):
    digits = str(index)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    number = "/".join(["x" + group for group in groups[:-1]] + groups[-1:])
    return f"tile/{level}/{number}" + ("" if width == 256 else f".p/{width}")


def tiles_of(count):
    """Index and width of every tile of a level that has so many hashes."""
    return [(index, min(256, count - 256 * index)) for index in range(-(-count // 256))]


def read(resources, path):
    need(path in resources, f"{path} is missing")
    return base64.b64decode(resources[path])


def read_hashes(resources, level, size):
    hashes = []
    for index, width in tiles_of(size // 256**level):
        path = path_of(level, index, width)
        data = read(resources, path)
        need(len(data) == 32 * width, f"{path} has another length")
        hashes += [data[at : at + 32] for at in range(0, len(data), 32)]
    return hashes


def read_entries(resources, size):
    entries = []
    for index, width in tiles_of(size):
        path = path_of("entries", index, width)
        data, found = read(resources, path), 0
        while data:
            length = int.from_bytes(data[:2], "big")
            need(len(data) >= 2 + length, f"{path} is cut")
            entries.append(data[2 : 2 + length])
            data, found = data[2 + length :], found + 1
        need(found == width, f"{path} has another number of entries")
    return entries


def read_head(note, keys):
    text, signatures = parse_note(note)
    origin, size, root = parse_checkpoint(text)
    signed = [key for key in keys if key[0] == origin and key[2] == 1 and signed_by(key, text, signatures)]
    need(signed != [], "no log of the policy signed this head")
    return origin, size, root


def read_tree(resources, keys):
    origin, size, root = read_head(read(resources, "checkpoint").decode(), keys)
    leaves = read_hashes(resources, 0, size)
    need(root_of(leaves) == root, "the tiles do not make the root")
    level = 1
    while size // 256**level > 0:
        span = 256**level
        made = [root_of(leaves[at * span : (at + 1) * span]) for at in range(size // span)]
        need(read_hashes(resources, level, size) == made, f"the tiles of level {level} are not made of those below")
        level += 1
    return origin, size, leaves


def check_records(entries, leaves):
    ids, genesis = set(), None
    for index, entry in enumerate(entries):
        need(sha256(b"\x00" + entry) == leaves[index], f"entry {index} is not that of its leaf")
        record = decode_record(entry)
        need(record[1] not in ids, f"entry {index} has the id of another")
        ids.add(record[1])
        if record[3] == 52:
            need(index == 0, "a genesis past entry 0")
            genesis = record[16]
    return genesis


def audit(case):
    keys = list(map(parse_vkey, case["keys"]))
    origin, size, leaves = read_tree(case["resources"], keys)
    genesis = check_records(read_entries(case["resources"], size), leaves)
    if case["since"] is not None:
        kept_origin, kept_size, kept_root = read_head(case["since"], keys)
        need(kept_origin == origin, "the head kept is of another log")
        if kept_size > size:
            return "REWOUND", size
        if root_of(leaves[:kept_size]) != kept_root:
            return "FORKED", size
    if genesis is not None and case["previous"] is not None:
        old_origin, old_size, old_leaves = read_tree(case["previous"], keys)
        need(set(genesis) == {"origin", "size", "root"} and genesis["origin"] == old_origin, "a genesis of another log")
        if genesis["size"] > old_size:
            return "REWOUND", size
        if root_of(old_leaves[: genesis["size"]]) != genesis["root"]:
            return "FORKED", size
    return "SIGNED", size


def judge(case):
    try:
        level, size = audit(case)
        return {"level": level, "reason": "", "size": size}
    except (Refused, UnicodeDecodeError) as refusal:
        return {"level": "INVALID", "reason": str(refusal), "size": None}


if __name__ == "__main__":
    json.dump([judge(case) for case in json.load(sys.stdin)], sys.stdout)
