import type { Context } from '../context.ts'
export async function newTest(_: Context): Promise<number> {
  return 1
}
