import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { messageOf } from "@mettle/core";
import type { LoadControl, LoadPlan, LoadSnapshot } from "@mettle/load";
import { cliErrors } from "../errors.ts";

/** Longer requests than any that changes a number. */
const LONGEST_BODY = 64 * 1024;

/**
 * Lets others ask how a load test stands and change its number of users, as k6's REST API does: `GET /v1/status`, and
 * `PATCH /v1/status` with `{"data": {"attributes": {"vus": 20}}}` for its scenario with the executor externally-controlled.
 * Close it: it keeps a port.
 */
export class ControlServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #control: LoadControl;
  readonly #controlled: string | undefined;
  #snapshot: LoadSnapshot | undefined;

  private constructor(plan: LoadPlan, control: LoadControl) {
    this.#control = control;
    this.#controlled = plan.scenarios.find(({ executor }) => executor === "externally-controlled")?.name;
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((thrown: unknown) => {
        reply(response, 400, { errors: [{ status: "400", title: messageOf(thrown) }] });
      });
    });
  }

  /** @param address - `HOST:PORT` @throws MettleError `USAGE_VALUE_INVALID` where it cannot be listened on */
  static async listen(address: string, plan: LoadPlan, control: LoadControl): Promise<ControlServer> {
    const made = new ControlServer(plan, control);
    const [, host = "", port = ""] = /^(.*):(\d+)$/.exec(address) ?? [];
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    made.#server.once("error", reject);
    if (port === "") reject(new Error("it is not written as HOST:PORT"));
    else made.#server.listen(Number(port), host === "" ? "127.0.0.1" : host, resolve);
    try {
      await promise;
    } catch (cause) {
      throw cliErrors.create("USAGE_VALUE_INVALID", `--control ${address} cannot be used: ${messageOf(cause)}.`, {
        details: { flag: "--control", value: address },
        cause,
      });
    }
    return made;
  }

  get url(): string {
    const { address, port } = this.#server.address() as AddressInfo;
    return `http://${address}:${port}`;
  }

  /** What is told from now on. */
  update(snapshot: LoadSnapshot): void {
    this.#snapshot = snapshot;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.url !== "/v1/status" || !["GET", "PATCH"].includes(request.method ?? "")) {
      reply(response, 404, { errors: [{ status: "404", title: "there is GET and PATCH /v1/status" }] });
      return;
    }
    if (request.method === "PATCH") this.#scale(await bodyOf(request));
    reply(response, 200, { data: { type: "status", id: "default", attributes: this.#attributes() } });
  }

  #scale(body: string): void {
    const { data } = JSON.parse(body) as { readonly data?: { readonly attributes?: { readonly vus?: unknown } } };
    const users = data?.attributes?.vus;
    if (typeof users !== "number") throw new Error("data.attributes.vus is no number");
    if (this.#controlled === undefined) throw new Error("no scenario has the executor externally-controlled");
    this.#control.scale(this.#controlled, users);
  }

  #attributes(): object {
    const { users = 0, elapsedMs = 0, running = 0, validity } = this.#snapshot ?? {};
    return { running: this.#snapshot !== undefined, vus: users, elapsedMs, inFlight: running, validity };
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const part of request) {
    text += String(part);
    if (text.length > LONGEST_BODY) throw new Error("the body is too long");
  }
  return text;
}

function reply(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "Content-Type": "application/json" });
  response.end(JSON.stringify(body));
}
