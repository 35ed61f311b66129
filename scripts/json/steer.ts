// Owns the JSON documents of the commands that steer runs or free their locks.
import { document, type Documents, flag, HOLDS, LOCK, number, tables, texts } from './parts.ts'

export const STEERING: Readonly<Record<string, Documents>> = {
  unlock: {
    'The locks': document({ tables: tables({ freed: flag('Whether somebody held it'), holder: LOCK }) }),
  },
  ...Object.fromEntries(
    ['pause', 'limit', 'resume'].map((command) => [
      command,
      {
        'What holds runs back now': document({
          tables: texts('The tables it is about; none: all'),
          holds: HOLDS,
        }),
      },
    ]),
  ),
  wait: {
    'Whether the tables are ready': document({
      to: number('The last block that the tables must have'),
      ready: flag('Whether all of them are'),
      tables: tables({ reasons: texts('Why it is not ready') }),
    }),
  },
}
