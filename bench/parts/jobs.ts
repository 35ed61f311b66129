// Owns part e: how many statements at a time.
import type { Bench, Report } from '../support/report.ts'
import { compareRuns } from './chunk-sizes.ts'

const JOBS = ['1', '2', '4']

export function jobs(bench: Bench): Promise<Report> {
  return compareRuns(bench, 'Statements at a time', [[], ...JOBS.map((count) => ['--jobs', count])])
}
