import type { ClickHouseSettings } from '@clickhouse/client'
import { expect, test } from 'vitest'
import { PINNED_SETTING_NAMES, PINNED_SETTINGS } from '../../src/sql-syntax/pinned-settings.ts'

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
