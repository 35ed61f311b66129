// Owns the rules of `backfill check`: their ids and names. docs/reference/checks.md explains each, test/fixtures/checks breaks each.

/** Id to name. `E`: an error, `W`: a warning. An id is never reused for another rule. */
export const RULES = {
  // The header
  E001: 'header-unknown-key',
  E002: 'header-missing-key',
  E003: 'header-bad-value',
  E004: 'header-duplicate-key',
  E005: 'header-bad-line',
  // The folder
  E010: 'no-ddl',
  E011: 'no-transform',
  E012: 'bad-table-key',
  E013: 'duplicate-target',
  E014: 'networks-file',
  E015: 'files-of-no-table',
  E016: 'bad-test',
  E017: 'bad-audit',
  // The transform's statement
  E020: 'unfinished-text',
  E021: 'no-statement',
  E022: 'second-statement',
  E023: 'not-a-select',
  E025: 'pinned-setting',
  E026: 'no-shared-step',
  E084: 'cut-rows',
  // Parameters
  E030: 'unknown-parameter',
  E031: 'parameter-type',
  E032: 'unused-bound',
  E033: 'parameter-name-taken',
  E034: 'unknown-fork',
  W035: 'unused-parameter',
  E036: 'mixed-units',
  // Tables that are read
  W037: 'reads-beyond',
  W038: 'last-second',
  W039: 'reads-history',
  W083: 'end-left-out',
  W086: 'all-networks',
  W087: 'without-final',
  E040: 'dependency-cycle',
  E041: 'after-unknown-table',
  E042: 'source-not-declared',
  E043: 'after-not-declared',
  E044: 'table-without-database',
  W045: 'source-not-read',
  W046: 'after-not-read',
  W047: 'fixed-database',
  E048: 'after-latest',
  E049: 'leaves-server',
  // The DDL
  E050: 'not-create-table',
  E051: 'ddl-other-target',
  E052: 'ddl-unknown-column',
  E053: 'rows-need-replacing',
  E054: 'rows-column',
  E055: 'sort-key',
  E056: 'partition-splits-key',
  W057: 'plain-engine',
  E058: 'cluster-ddl',
  W059: 'no-block-index',
  // The transform on the server
  E060: 'sql-rejected',
  E061: 'unknown-column',
  E062: 'source-missing',
  E063: 'output-not-in-target',
  E064: 'output-missing',
  E065: 'output-narrowed',
  E066: 'split-servers',
  E067: 'source-lacks-column',
  E068: 'source-view',
  W069: 'source-row-policy',
  W082: 'source-kept-apart',
  W085: 'rows-by-chance',
  // The DDL on the server
  E070: 'ddl-rejected',
  E071: 'table-columns',
  E072: 'table-type',
  E073: 'table-default',
  E074: 'table-engine',
  E075: 'table-sort-key',
  E076: 'table-partitions',
  E077: 'table-ttl',
  W078: 'table-details',
  W079: 'table-not-compared',
  // Rights on the server
  E080: 'grant-missing',
  // The rows of a range
  E081: 'pieces-differ',
} as const

export type RuleId = keyof typeof RULES

export function severityOf(rule: RuleId): 'error' | 'warning' {
  return rule.startsWith('W') ? 'warning' : 'error'
}
