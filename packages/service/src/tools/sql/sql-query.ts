import pg from "pg";
import { type Static, Type } from "typebox";
import { strict } from "../../http/schemas.ts";
import { databaseError } from "../../storage/database-errors.ts";
import { type Tool, type ToolContext, ToolFailure } from "../tool.ts";
import { readerConnection, type TenantReaders } from "./tenant-readers.ts";

export interface SqlParts {
  readonly readers: TenantReaders;
  /** The service's own connection: its place, with another login. */
  readonly connection: string | pg.PoolConfig;
}

const rowsAtMost = 1000;
const bytesAtMost = 4_000_000;
const connectMs = 5000;

const input = strict({
  sql: Type.String({
    minLength: 1,
    maxLength: 20_000,
    pattern: String.raw`^[^\u0000]*$`, // it would end the text on its way to the server
    description: "One SELECT of documents, passages, executions, users.",
  }),
  rows: Type.Optional(Type.Integer({ minimum: 1, maximum: rowsAtMost, description: `At most (${rowsAtMost}).` })),
});

/** One statement on the tenant's own rows, by a login that can see nothing else, in a transaction that can change nothing. */
export const sqlQuery = ({ readers, connection }: SqlParts): Tool => ({
  name: "sql_query",
  summary: "Runs one SELECT on the tenant's own documents, passages, executions and users. Reads only.",
  kind: "heavy",
  input,
  run: async ({ sql, rows = rowsAtMost }: Static<typeof input>, context: ToolContext) => {
    const reader = await readers.readerOf(context.tenantId);
    return queryOnce(readerConnection(connection, reader), sql, rows, context.signal);
  },
});

/** A connection for this statement alone: no lock, setting or temporary table outlives it. */
async function queryOnce(config: pg.ClientConfig, sql: string, rows: number, signal: AbortSignal): Promise<object> {
  const client = new pg.Client({ ...config, application_name: "mettle-sql-tool", connectionTimeoutMillis: connectMs });
  let tooMuch = false;
  client.on("error", () => undefined); // an end of the connection is told by the statement that it interrupts
  const cut = (): void => void client.end();
  try {
    await client.connect();
    signal.addEventListener("abort", cut, { once: true });
    signal.throwIfAborted();
    await client.query("BEGIN READ ONLY");
    limitBytes(client, () => {
      tooMuch = true;
    });
    // The extended protocol takes one statement only. On a line of its own: a comment at its end ends there.
    const text = `SELECT * FROM (\n${sql.replace(/[\s;]+$/, "")}\n) AS asked LIMIT ${rows + 1}`;
    const found = await client.query({ text, rowMode: "array", queryMode: "extended" } as pg.QueryArrayConfig);
    const some = found.rows.slice(0, rows) as readonly (readonly unknown[])[];
    return { columns: found.fields.map(({ name }) => name), rows: some, cut: found.rows.length > rows };
  } catch (error) {
    throw explained(error, tooMuch, signal);
  } finally {
    signal.removeEventListener("abort", cut);
    // Without COMMIT: nothing that waits for the end of a transaction ever happens.
    await client.end();
  }
}

/** A single value can be a gigabyte: what comes is counted before it is put together. */
function limitBytes(client: pg.Client, exceeded: () => void): void {
  const { stream } = (
    client as unknown as { readonly connection: { readonly stream: NodeJS.ReadableStream & { destroy(): void } } }
  ).connection;
  let bytes = 0;
  stream.prependListener("data", (piece: Buffer) => {
    bytes += piece.length;
    if (bytes <= bytesAtMost) return;
    exceeded();
    stream.destroy();
  });
}

function explained(error: unknown, tooMuch: boolean, signal: AbortSignal): unknown {
  if (tooMuch) return new ToolFailure(`The result has more than ${bytesAtMost} bytes.`, undefined, { cause: error });
  if (signal.aborted) return error;
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
  if (code === "57014") return new ToolFailure("The statement took too long.", "TOOL_TIMEOUT", { cause: error });
  if (code === "53300")
    return new ToolFailure("Too many statements of this tenant run already.", "TOOL_BUSY", { cause: error });
  if (databaseError(error) || typeof code !== "string") return error;
  return new ToolFailure(`The database refuses the statement: ${String(message)}.`, undefined, { cause: error });
}
