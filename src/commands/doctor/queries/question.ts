// Owns a question whose refusal is an answer, too: what the server said, and the GRANT that it asks for.
import { BackfillError } from '../../../model/errors.ts'
import type { Asked, Refused } from '../checks/finding.ts'
import { missingGrant } from '../../../sql-syntax/missing-grant.ts'
import type { Connection } from '../../../clickhouse/connection.ts'
import { originOf, messageOf } from '../../../clickhouse/server-error.ts'
import type { Server } from '../../../clickhouse/server.ts'

/** Rows of a SELECT. */
export async function ask<Row>(
  { client, connection }: Pick<Server, 'client' | 'connection'>,
  query: string,
  query_params: Readonly<Record<string, unknown>> = {},
): Promise<Asked<readonly Row[]>> {
  try {
    return { got: await client.rows<Row>({ query, query_params: { ...query_params } }) }
  } catch (error) {
    return { refused: refusal(originOf(error), connection) }
  }
}

/** What `look` finds, or why it could not. */
export async function attempted<T>(connection: Connection, look: () => Promise<T>): Promise<Asked<T>> {
  try {
    return { got: await look() }
  } catch (error) {
    return { refused: refusal(error, connection) }
  }
}

export function refusal(error: unknown, { username }: Connection): Refused {
  if (error instanceof BackfillError) {
    // What is wrapped says more about what is lacking.
    const hint = missingGrant(messageOf(error.cause ?? error), username) ?? error.hint
    return { sentence: error.message, hint }
  }
  // A defect of this program is no answer.
  if (!(error instanceof Error) || error instanceof TypeError) throw error
  const words = messageOf(error)
  return { sentence: words, hint: missingGrant(words, username) }
}

export function mapped<A, B>(asked: Asked<A>, map: (got: A) => B): Asked<B> {
  return 'got' in asked ? { got: map(asked.got) } : asked
}
