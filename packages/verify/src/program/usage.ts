/** What `--help` prints. */
export const usage = `Usage: agentkeys-verify RECEIPT --trust POLICY [--holder FILE] [--require LEVEL] [--json]
       agentkeys-verify audit LOG_URL --trust POLICY [--token-file FILE] [--since NOTE] [--keep NOTE] [--require LEVEL] [--json]
       agentkeys-verify diff NOTE_A NOTE_B --trust POLICY [--log LOG_URL] [--json]
       agentkeys-verify diff PROOF --trust POLICY [--json]

Says what an AgentKeys audit receipt proves, offline; reads a whole log and hashes it again; compares two signed heads.

  RECEIPT            the receipt's JSON file, or - for standard input
  LOG_URL            where the log is served: https://BROKER/v1/audit/logs/LOG_ID
  NOTE_A NOTE_B      signed heads, as a log or a receipt has them
  PROOF              a fork proof that audit or diff wrote
  --trust POLICY     whom to trust: a C2SP tlog-policy file (log, witness, group and quorum lines)
  --anchors FILE     keys by epoch and verifiers of anchors; default: anchors.toml beside the policy, if there
  --holder FILE      what you know of the credential in your hand, as JSON:
                     {"agent": "agt_…", "scope": "…", "credential": "jti_…", "validity": [from or null, to]}
  --require LEVEL    signed (default), witnessed[:K] by at least K witnesses, anchored[:K] by at least K anchors
  --token-file FILE  an auditor's token: the entries are read too
  --since NOTE       a head kept from an earlier audit: the log has to be an append to it
  --keep NOTE        write the newest head there, once the log was found sound
  --log LOG_URL      where the tiles are that tell heads of two sizes apart
  --proof FILE       where a proof of a fork is written; default fork-proof.json
  --timeout SECONDS  how long one request may take; default 30
  --json             print the verdict as JSON
  --help             print this

Exit code: 0 the requirement is met, 10 valid but below it (diff: undecided), 20 invalid, 21 forked, 22 rewound, 64 wrong usage,
74 the report could not be written.
`;
