"""Verifies AgentKeys audit receipts with nothing of AgentKeys: the written formats, Python, `cryptography` and `cbor2`.

Standard input: a JSON list of cases {"receipt": text, "log": vkey, "witnesses": [vkey], "holder": {...} or null}.
Standard output: a JSON list of {"accepted": bool, "reason": text, "witnesses": [name]}, in the same order.
"""

import base64
import hashlib
import hmac
import io
import json
import re
import sys
import unicodedata

import cbor2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

GREATEST = 2**53 - 1
TYPES = {1, 2, 3, 4, 5, *range(10, 17), *range(20, 26), 30, 31, 32, *range(40, 44), *range(50, 54)}
COMMITTED = {5, 6, 9, 11, 12}


class Refused(Exception):
    pass


def need(holds, why):
    if not holds:
        raise Refused(why)


# --- encodings


def from_base64(text):
    need(isinstance(text, str) and text.isascii(), "base64 is not ASCII text")
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise Refused("base64") from error
    need(base64.b64encode(data).decode() == text, "base64 is not canonical")
    return data


def from_hex(text, length):
    need(isinstance(text, str) and re.fullmatch("[0-9a-f]{%d}" % (2 * length), text) is not None, "hex")
    return bytes.fromhex(text)


def from_decimal(text):
    need(re.fullmatch("0|[1-9][0-9]*", text, re.ASCII) is not None, "a number is not canonical decimal")
    need(int(text) <= GREATEST, "a number is past 2^53-1")
    return int(text)


def is_text(value):
    return isinstance(value, str) and unicodedata.normalize("NFC", value) == value and encodes(value)


def encodes(value):
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_count(value):
    return type(value) is int and 0 <= value <= GREATEST


# --- records


def decode_record(entry):
    need(len(entry) <= 4096, "over 4,096 bytes")
    stream = io.BytesIO(entry)
    try:
        record = cbor2.CBORDecoder(stream).decode()
    except Exception as error:
        raise Refused("not CBOR") from error
    need(stream.tell() == len(entry) and type(record) is dict, "not one map")
    check_value(record, 1, top=True)
    need(cbor2.dumps(record, canonical=True) == entry, "another encoding")
    check_record(record)
    return record


def check_value(value, depth, top=False):
    if isinstance(value, (dict, list)):
        need(depth <= 8, "deeper than 8")
    if type(value) is dict:
        for key, inner in value.items():
            need(is_count(key) if top else is_text(key), "a key of another kind")
            check_value(inner, depth + 1)
    elif type(value) is list:
        for inner in value:
            check_value(inner, depth + 1)
    else:
        need(is_count(value) or is_text(value) or type(value) is bytes, "a type that is not allowed")


def check_record(record):
    def is_bytes(length):
        return lambda value: type(value) is bytes and len(value) == length

    def is_record_id(value):
        return is_bytes(16)(value) and value[6] >> 4 == 7 and value[8] >> 6 == 2

    def is_name(value):
        return is_text(value) and value != ""

    def is_validity(value):
        return type(value) is list and len(value) == 2 and all(map(is_count, value)) and value[0] <= value[1]

    forms = {
        0: lambda value: is_count(value) and value == 1,
        1: is_record_id,
        2: is_count,
        3: lambda value: is_count(value) and (value in TYPES or value >= 1000),
        4: lambda value: is_count(value) and value <= 4,
        **dict.fromkeys([5, 6, 9, 10, 11, 12], is_bytes(32)),
        7: is_bytes(16),
        8: is_name,
        13: is_validity,
        14: is_record_id,
        15: is_name,
        16: lambda value: type(value) is dict,
    }
    for key, value in record.items():
        need(key in forms and forms[key](value), f"field {key}")
    required = {0, 1, 2, 3, 4}
    if record.get(3) == 2 and record.get(4) == 1:
        required |= {5, 6, 8, 9, 11, 12, 13}
    if record.get(3) == 3:
        required |= {15}
    need(required <= record.keys(), "a field is missing")


def commitment(salt, key, value):
    return hmac.digest(salt, cbor2.dumps(["agentkeys/commit/v1", key, value]), "sha256")


# --- notes


def parse_vkey(text):
    name, key_id, key = text.split("+", 2)
    blob = from_base64(key)
    need(len(blob) == 33 and blob[0] in (1, 4), "a vkey of another kind")
    digest = hashlib.sha256(name.encode() + b"\n" + blob).digest()
    need(digest[:4] == from_hex(key_id, 4), "a vkey with another id")
    return name, digest[:4], blob[0], Ed25519PublicKey.from_public_bytes(blob[1:])


def parse_note(note):
    need(encodes(note), "not Unicode")
    need(not any(character < " " and character != "\n" for character in note), "a control character")
    text, separator, rest = note.rpartition("\n\n")
    need(separator != "" and rest.endswith("\n"), "not a note")
    lines = rest[:-1].split("\n")
    need(0 < len(lines) <= 64 and len(note) <= 262_144, "too many signatures, or none")
    signatures = []
    for line in lines:
        parts = line.split(" ")
        need(len(parts) == 3 and parts[0] == "\u2014", "not a signature line")
        name = parts[1]
        need(name != "" and "+" not in name and not any(map(is_blank, name)), "a key name")
        blob = from_base64(parts[2])
        need(len(blob) >= 5, "a short signature")
        signatures.append((name, blob[:4], blob[4:]))
    return text + "\n", signatures


def is_blank(character):
    return character.isspace() and not "\x1c" <= character <= "\x1f" or unicodedata.category(character) == "Cc"


def signed_by(key, text, signatures):
    name, key_id, algorithm, public_key = key
    found = False
    for other_name, other_id, signature in signatures:
        if (other_name, other_id) != (name, key_id):
            continue
        message = text.encode()
        if algorithm == 4:
            need(len(signature) == 72, "a cosignature of another length")
            seconds = int.from_bytes(signature[:8], "big")
            need(seconds <= GREATEST, "a cosignature's time")
            message = f"cosignature/v1\ntime {seconds}\n".encode() + message
            signature = signature[8:]
        try:
            public_key.verify(signature, message)
        except InvalidSignature as error:
            raise Refused(f"a false signature of {name}") from error
        found = True
    return found


# --- tree (RFC 6962 section 2.1.1, from the root down)


def root_of(index, size, leaf, path):
    if size == 1:
        need(path == [], "a path that is too long")
        return leaf
    need(path != [], "a path that is too short")
    split = 1 << ((size - 1).bit_length() - 1)
    if index < split:
        left, right = root_of(index, split, leaf, path[:-1]), path[-1]
    else:
        left, right = path[-1], root_of(index - split, size - split, leaf, path[:-1])
    return hashlib.sha256(b"\x01" + left + right).digest()


# --- receipts


def only(pairs):
    members = dict(pairs)
    need(len(members) == len(pairs), "a key twice")
    return members


def members(value, names):
    need(type(value) is dict and set(value) == set(names), "other members")
    return [value[name] for name in names]


def no_number(text):
    raise Refused(f"{text} is not JSON")


def number(text):
    """A number of JSON is its value: 5.0 and 5e0 are 5 (RFC 8259 section 6, I-JSON)."""
    value = float(text)
    return int(value) if value.is_integer() else value


def parse_receipt(text):
    need(len(text) <= 1_048_576 and encodes(text), "too long, or not Unicode")
    try:
        receipt = json.loads(text, object_pairs_hook=only, parse_constant=no_number, parse_float=number)
    except (ValueError, RecursionError) as error:
        raise Refused("not JSON") from error
    entry, proof, anchors, openings = members(receipt, ["entry", "tlog_proof", "anchors", "openings"])
    need(isinstance(proof, str) and type(anchors) is list and type(openings) is list, "members of other kinds")
    for evidence in anchors:
        name, size, note_hash, finality, _ = members(evidence, ["anchor", "size", "note_hash", "finality", "proof"])
        need(is_text(name) and name != "" and is_count(size) and is_count(finality) and finality <= 4, "evidence")
        from_hex(note_hash, 32)
    opened = {}
    for opening in openings:
        key, salt, value = members(opening, ["key", "salt", "value"])
        need(is_count(key) and key in COMMITTED and key not in opened, "an opening's key")
        if type(value) is dict:
            value = from_hex(members(value, ["hex"])[0], 32)
        need(type(value) is bytes if key == 5 else is_text(value) and value != "", "an opening's value")
        opened[key] = (from_hex(salt, 32), value)
    return from_base64(entry), proof, opened


def parse_proof(text):
    head, separator, note = text.partition("\n\n")
    lines = head.split("\n")
    need(separator != "" and lines[0] == "c2sp.org/tlog-proof@v1" and len(lines) >= 2, "not a proof")
    need(lines[1].startswith("index ") and len(lines) <= 55, "no index, or a path too long")
    path = [from_base64(line) for line in lines[2:]]
    need(all(len(hash_) == 32 for hash_ in path), "a hash of another length")
    return from_decimal(lines[1][6:]), path, note


def parse_checkpoint(text):
    lines = text.split("\n")
    need(len(lines) == 4 and lines[3] == "" and lines[0] != "", "not a checkpoint")
    need(not any(unicodedata.category(character) == "Cc" for character in lines[0]), "an origin")
    root = from_base64(lines[2])
    need(len(root) == 32, "a root of another length")
    return lines[0], from_decimal(lines[1]), root


def check_holder(record, opened, holder):
    need(record[3] == 2 and record[4] == 1, "not an issued credential")
    for key, name in ((6, "agent"), (9, "scope"), (12, "credential")):
        need(key in opened and opened[key][1] == holder[name], f"another {name}")
    start, end = holder["validity"]
    need(record[13][1] == end and (start is None or record[13][0] == start), "another validity")


def verify(case):
    entry, proof, opened = parse_receipt(case["receipt"])
    record = decode_record(entry)
    index, path, note = parse_proof(proof)
    text, signatures = parse_note(note)
    origin, size, root = parse_checkpoint(text)
    log = parse_vkey(case["log"])
    need(log[2] == 1 and origin == log[0], "another log")
    need(index < size, "an index outside the tree")
    leaf = hashlib.sha256(b"\x00" + entry).digest()
    need(root_of(index, size, leaf, path) == root, "not included")
    need(signed_by(log, text, signatures), "not signed by the log")
    for key, (salt, value) in opened.items():
        need(key in record and commitment(salt, key, value) == record[key], f"the opening of field {key}")
    if case["holder"] is not None:
        check_holder(record, opened, case["holder"])
    witnesses = map(parse_vkey, case["witnesses"])
    return [witness[0] for witness in witnesses if signed_by(witness, text, signatures)]


def judge(case):
    try:
        return {"accepted": True, "reason": "", "witnesses": verify(case)}
    except Refused as refusal:
        return {"accepted": False, "reason": str(refusal), "witnesses": []}


if __name__ == "__main__":
    json.dump([judge(case) for case in json.load(sys.stdin)], sys.stdout)
