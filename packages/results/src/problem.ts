/** Something wrong in a document, and where. */
export interface Problem {
  /** JSON path from the root: `$.measurements[3].summary.p95`. */
  readonly path: string;
  readonly message: string;
}

const plainName = /^[A-Za-z_$][\w$]*$/;

/** One step deeper: `.name`, `[3]` or `["odd name"]`. */
export function childPath(path: string, key: string | number): string {
  if (typeof key === "number") return `${path}[${key}]`;
  return plainName.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`;
}

const LISTED = 20;

/** Problems one a line, the first twenty; says how many more there are. */
export function listProblems(problems: readonly Problem[]): string {
  const lines = problems.slice(0, LISTED).map(({ path, message }) => `  ${path}: ${message}`);
  if (problems.length > LISTED) lines.push(`  … and ${problems.length - LISTED} more`);
  return lines.join("\n");
}
