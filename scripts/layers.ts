/** What a cruise through the sources saw. Paths are relative to the repository, with forward slashes. */
export interface Seen {
  readonly modules: readonly string[];
  readonly dependencies: readonly { readonly from: string; readonly to: string }[];
  readonly violations: readonly { readonly rule: string; readonly from: string; readonly to: string }[];
}

const packageOf = (path: string): string | undefined => /^packages\/([^/]+)\/src\//.exec(path)?.[1];

/**
 * One line for each violation of the layers, and for each sign that the check itself was blind: a source file it did
 * not read, or a house in which no package imports another.
 *
 * @param files - the source files there are
 */
export function problemsOf(seen: Seen, files: readonly string[]): readonly string[] {
  const problems = seen.violations.map(({ rule, from, to }) => `${rule}: ${from} → ${to}`);
  if (files.length === 0) problems.push("no source files: the check looked in the wrong folder");
  const read = new Set(seen.modules);
  for (const file of files) {
    if (!read.has(file)) problems.push(`not read: ${file}`);
  }
  const crossings = seen.dependencies.filter(({ from, to }) => {
    const [importing, imported] = [packageOf(from), packageOf(to)];
    return importing !== undefined && imported !== undefined && importing !== imported;
  });
  if (crossings.length === 0) problems.push("no import between packages was resolved: the check could not follow them");
  return problems;
}
