import type { TransformedProgram } from "../transform/program.ts";

/** Turns the places of rewritten code in a stack trace into those of the user's files, and leaves out our own frames. */
function mapStack(stack: string, program: TransformedProgram): string {
  const byFile = new Map([...program.rewritten].map(([module, rewritten]) => [module.file, { module, rewritten }]));
  const lines = stack.split("\n").map((line) => {
    const place = /(\(|at |async )((?:file:\/\/)?\/.*?):(\d+):(\d+)(\)?)$/.exec(line);
    const found = place && byFile.get((place[2] as string).replace("file://", ""));
    if (!place || !found) return line;
    const { line: originalLine, column } = found.rewritten.positions.original({
      line: Number(place[3]),
      column: Number(place[4]),
    });
    const shown = `${place[1]}${found.module.shownName}:${originalLine}:${column}${place[5]}`;
    return (line.slice(0, place.index) + shown).replaceAll("__mettleDefault", "default");
  });
  return lines.filter((line) => !/__mettle|at async .*\(node:|src\/k6\/|dist\/k6\//.test(line)).join("\n");
}

/** The same error with a stack that names the user's lines. What is thrown need not be an error. */
export function withMappedStack(thrown: unknown, program: TransformedProgram): unknown {
  if (thrown instanceof Error && thrown.stack !== undefined) thrown.stack = mapStack(thrown.stack, program);
  return thrown;
}
