import { ms } from "@mettle/core";
import { Type } from "typebox";
import { principalOf } from "../auth/authentication.ts";
import type { App } from "../http/app.ts";
import { bearer, failures, strict } from "../http/schemas.ts";
import type { ToolBox } from "./tool-box.ts";

const secured = { tags: ["tools"], security: bearer };
const toolSchema = Type.Object(
  {
    name: Type.String(),
    summary: Type.String(),
    kind: Type.Union([Type.Literal("light"), Type.Literal("heavy")]),
    input_schema: Type.Unknown(),
  },
  { title: "Tool" },
);

/** What tools there are, and having one do something. */
export function toolRoutes(app: App, box: ToolBox): void {
  app.get(
    "/tools",
    {
      schema: {
        ...secured,
        summary: "The tools, with schemas of their arguments",
        response: { 200: Type.Array(toolSchema), ...failures },
      },
    },
    async () => box.tools.map(({ name, summary, kind, input }) => ({ name, summary, kind, input_schema: input })),
  );
  app.post(
    "/tools/execute",
    {
      schema: {
        ...secured,
        summary: "Has a tool do something",
        body: strict({
          tool: Type.String({ minLength: 1, maxLength: 100 }),
          arguments: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
          timeout_ms: Type.Optional(Type.Integer({ minimum: 1, maximum: 30_000 })),
        }),
        response: {
          200: Type.Object({ tool: Type.String(), output: Type.Unknown(), duration_ms: Type.Number() }),
          ...failures,
        },
      },
    },
    async (request) => {
      const { tenantId } = principalOf(request);
      const { tool: name, arguments: input = {}, timeout_ms: timeoutMs } = request.body;
      const timeout = timeoutMs === undefined ? undefined : ms(timeoutMs);
      const { output, durationMs } = await box.call({ name, input, tenantId, timeout });
      return { tool: name, output, duration_ms: durationMs };
    },
  );
}
