import { stripTypeScriptTypes } from "node:module";
import { compileFunction } from "node:vm";

export interface Done {
  readonly kind: "request" | "think";
  readonly groups: readonly string[];
  readonly call: readonly unknown[];
}

/** Runs a printed scenario with a user that only writes down what it is asked to do. */
export async function runPrinted(
  code: string,
  env: Readonly<Record<string, string>> = {},
): Promise<{ names: string[]; done: Done[] }> {
  const plain = stripTypeScriptTypes(code)
    .replace(/^import \{ defineLoad \} from "@mettle\/load";$/m, "")
    .replace(/^export default /m, "return ");
  interface Definition {
    scenarios: Record<string, { run: (user: unknown) => Promise<void> }>;
  }
  const make = compileFunction(plain, ["defineLoad", "process"]) as (define: unknown, process: unknown) => Definition;
  const definition = make((value: Definition) => value, { env });
  const done: Done[] = [];
  let groups: string[] = [];
  const user = {
    http: {
      request: (...call: unknown[]) => {
        done.push({ kind: "request", groups, call });
        return Promise.resolve({ status: 200, ok: true });
      },
    },
    check: () => true,
    sleep: (milliseconds: number) => {
      done.push({ kind: "think", groups, call: [milliseconds] });
      return Promise.resolve();
    },
    group: async (name: string, part: () => Promise<void>) => {
      groups = [...groups, name];
      await part();
      groups = groups.slice(0, -1);
    },
  };
  for (const { run } of Object.values(definition.scenarios)) await run(user);
  return { names: Object.keys(definition.scenarios), done };
}
