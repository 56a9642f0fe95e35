import { Type } from "typebox";
import { principalOf } from "../auth/authentication.ts";
import type { App } from "../http/app.ts";
import { RequestFailure } from "../http/failure.ts";
import { bearer, failures } from "../http/schemas.ts";
import type { ToolBox } from "../tools/tool-box.ts";
import { answerRpc, rpcAnswer, RpcError, rpcErrors, type RpcRequest, rpcRequest } from "./json-rpc.ts";

/** Revisions of the Model Context Protocol that differ in nothing that is served here; the newest first. */
const revisions = ["2025-11-25", "2025-06-18", "2025-03-26"];
const serverInfo = { name: "mettle", title: "Mettle agent service", version: "0.1.0" };

type Parameters = Readonly<Record<string, unknown>>;

/**
 * The tools over MCP's streamable HTTP transport: one request, one answer, no session. A tool changes nothing that others must
 * be told of, so there is no stream to open.
 *
 * @see https://modelcontextprotocol.io/specification/2025-11-25/basic/transports
 */
export function mcpRoutes(app: App, box: ToolBox): void {
  app.post(
    "/mcp",
    {
      schema: {
        tags: ["tools"],
        security: bearer,
        summary: "The tools over the Model Context Protocol",
        body: rpcRequest,
        response: { 200: rpcAnswer, 202: Type.Null(), ...failures },
      },
    },
    async (request, reply) => {
      const { tenantId } = principalOf(request);
      checkHeaders(request.headers);
      const asked = request.body as unknown as RpcRequest;
      if (asked.id === undefined) return reply.code(202).send(null);
      const answer = await answerRpc(asked, (method, params) => handle(box, tenantId, method, params));
      return reply.code(200).send(answer);
    },
  );
  for (const method of ["GET", "DELETE"] as const) {
    app.route({
      method,
      url: "/mcp",
      schema: { hide: true },
      handler: async (_request, reply) => {
        reply.header("allow", "POST");
        throw new RequestFailure(
          "method_not_allowed",
          "MCP_NO_SESSION",
          "There are no sessions here: POST each request.",
        );
      },
    });
  }
}

/** @throws RequestFailure `MCP_ORIGIN_REFUSED`, `MCP_REVISION_UNKNOWN` */
function checkHeaders(headers: Readonly<Record<string, string | string[] | undefined>>): void {
  const { origin, host } = headers;
  // A page that a browser was lured to by a name that now points here. Programs send no origin.
  if (typeof origin === "string" && (!URL.canParse(origin) || new URL(origin).host !== host)) {
    throw new RequestFailure("forbidden", "MCP_ORIGIN_REFUSED", "Requests of other web pages are not answered.");
  }
  const revision = headers["mcp-protocol-version"];
  if (revision !== undefined && !revisions.includes(String(revision))) {
    throw new RequestFailure("invalid_request", "MCP_REVISION_UNKNOWN", `Revisions are ${revisions.join(", ")}.`);
  }
}

function handle(box: ToolBox, tenantId: string, method: string, params: Parameters): unknown {
  switch (method) {
    case "initialize": {
      const asked = params["protocolVersion"];
      const protocolVersion = revisions.find((revision) => revision === asked) ?? revisions[0];
      return { protocolVersion, capabilities: { tools: {} }, serverInfo };
    }
    case "ping":
      return {};
    case "tools/list":
      return {
        tools: box.tools.map(({ name, summary, input }) => ({
          name,
          description: summary,
          inputSchema: { type: "object", ...input },
        })),
      };
    case "tools/call":
      return callTool(box, tenantId, params);
    default:
      throw new RpcError(rpcErrors.methodNotFound, `There is no method ${method}.`);
  }
}

/** What a tool refuses is a result too: the model reads it and may do better. */
async function callTool(box: ToolBox, tenantId: string, { name, arguments: input = {} }: Parameters): Promise<unknown> {
  if (typeof name !== "string") throw new RpcError(rpcErrors.invalidParams, "The tool's name is missing.");
  try {
    const { output } = await box.call({ name, input, tenantId });
    return { content: [{ type: "text", text: JSON.stringify(output) }], structuredContent: output, isError: false };
  } catch (error) {
    const refused = error instanceof RequestFailure && error.code !== "TOOL_UNKNOWN" && error.statusCode < 500;
    if (!refused) throw error;
    return { content: [{ type: "text", text: `${error.code}: ${error.message}` }], isError: true };
  }
}
