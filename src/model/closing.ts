// Owns using what has to be closed: it is closed when its use has ended, however that ended. Pure.

export async function closing<Opened extends { close(): Promise<unknown> }, T>(
  opened: Opened,
  use: (opened: Opened) => Promise<T>,
): Promise<T> {
  try {
    return await use(opened)
  } finally {
    await opened.close()
  }
}
