/** Who wants to know which files a load test reads while it is loaded. */
const witnesses = new Set<(path: string) => void>();

/** Tells of a file that a load test is made of or reads: scripts, YAML, data. Absolute. */
export function noteFileRead(path: string): void {
  for (const witness of witnesses) witness(path);
}

/** What is read while an action runs, with what the action gives. */
export async function witnessReads<T>(
  action: () => Promise<T>,
): Promise<{ readonly result: T; readonly files: readonly string[] }> {
  const files = new Set<string>();
  const witness = (path: string): void => {
    files.add(path);
  };
  witnesses.add(witness);
  try {
    return { result: await action(), files: [...files] };
  } finally {
    witnesses.delete(witness);
  }
}
