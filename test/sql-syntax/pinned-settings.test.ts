import type { ClickHouseSettings } from '@clickhouse/client'
import { expect, test } from 'vitest'
import { PINNED_SETTING_NAMES, PINNED_SETTINGS } from '../../src/sql-syntax/settings.ts'

test('the pinned settings are settings of the client, and none of them lets an overflow pass', () => {
  const settings: ClickHouseSettings = PINNED_SETTINGS
  const overflow = Object.entries(settings).filter(([name]) => name.includes('overflow_mode'))
  expect(overflow.length).toBe(11)
  expect(new Set(overflow.map(([, value]) => value))).toEqual(new Set(['throw']))
})

test('the time limit is pinned too, although its value is the runner’s', () => {
  expect(PINNED_SETTING_NAMES).toContain('max_execution_time')
  expect(PINNED_SETTINGS).not.toHaveProperty('max_execution_time')
})

test('what matters only for older servers, for clusters or for statements that are not sent today is pinned all the same', () => {
  expect(PINNED_SETTINGS).toMatchObject({
    async_insert: 0,
    insert_deduplicate: 0,
    insert_null_as_default: 0,
    parallel_distributed_insert_select: '0',
    skip_unavailable_shards: 0,
    select_sequential_consistency: '0',
  })
})
