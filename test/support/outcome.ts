/** Exit code of a program, what it printed, and what it complained of. */
export async function outcomeOf(child: Bun.ReadableSubprocess) {
  const [printed, complaint] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { code: await child.exited, printed, complaint };
}
