import { ms } from "@mettle/core";
import { type Static, Type } from "typebox";
import { strict } from "../../http/schemas.ts";
import type { IsolatedWorkers } from "../../isolation/isolated-workers.ts";
import type { Tool } from "../tool.ts";
import type { JsonQueryInput } from "./json-query-task.ts";

const deadline = ms(1000);
const input = strict({
  data: Type.Unknown({ description: "Any JSON." }),
  query: Type.String({ minLength: 1, maxLength: 1000, description: "JMESPath, such as `people[?age > `30`].name`." }),
});

/** Picks from JSON with JMESPath, a language without loops, functions of its own or access to anything else. */
export const jsonQuery = (workers: IsolatedWorkers<JsonQueryInput, string>): Tool => ({
  name: "json_query",
  summary: "Picks and reshapes parts of JSON with a JMESPath expression.",
  kind: "light",
  input,
  run: async (asked: Static<typeof input>, { signal }) => ({
    result: JSON.parse(await workers.run(asked, deadline, signal)) as unknown,
  }),
});
