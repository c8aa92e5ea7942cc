/** Between two pieces of work: lets what came in meanwhile be heard, and ends where the caller is gone. */
export async function breathe(signal: AbortSignal): Promise<void> {
  await new Promise(setImmediate);
  signal.throwIfAborted();
}
