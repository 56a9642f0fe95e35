import { readFileSync } from "node:fs";
import { messageOf } from "@mettle/core";
import {
  connect,
  credsAuthenticator,
  type Msg,
  type NatsConnection,
  type NodeConnectionOptions,
  RequestError,
  TimeoutError,
} from "@nats-io/transport-node";
import { distributeErrors } from "./errors.ts";
import type { Answer, Listener, Transport } from "./transport.ts";

/** How to reach a NATS server. Files are paths. */
export interface NatsOptions {
  /** `nats://HOST:PORT`, or `tls://…` to refuse a connection without TLS; several with commas. */
  readonly url: string;
  readonly user?: string;
  readonly password?: string;
  readonly token?: string;
  /** A credentials file: JWT and seed. */
  readonly credentials?: string;
  /** Certificates of who signs servers' certificates. @defaultValue the system's */
  readonly ca?: string;
  /** Of this end, for servers that ask for one. */
  readonly certificate?: string;
  readonly key?: string;
}

export interface NatsEvents {
  /** Of the connection, for people: lost, back again. */
  readonly onNote?: (text: string) => void;
}

/**
 * Connects to a NATS server. A connection that breaks later is made again for as long as it takes.
 *
 * @throws MettleError `LOAD_NATS_OPTIONS_INVALID`, `LOAD_NATS_UNREACHABLE`
 */
export async function connectNats(options: NatsOptions, name: string, events: NatsEvents = {}): Promise<Transport> {
  const settings = connectionOptions(options, name);
  let connection: NatsConnection;
  try {
    connection = await connect(settings);
  } catch (cause) {
    throw distributeErrors.create(
      "LOAD_NATS_UNREACHABLE",
      `No connection to NATS at ${shown(options.url)}: ${messageOf(cause)}.`,
      { details: { servers: shown(options.url) }, cause },
    );
  }
  return new NatsTransport(connection, events);
}

/** Without a user and password that somebody wrote into the address. */
const shown = (url: string): string => url.replaceAll(/\/\/[^/@,]*@/g, "//");

function connectionOptions(options: NatsOptions, name: string): NodeConnectionOptions {
  const { url, user, password, token, credentials, ca, certificate, key } = options;
  const servers = url.split(",").map((each) => each.trim());
  const bad = servers.find((server) => !/^(?:(?:nats|tls):\/\/)?[^\s/@]+$/.test(shown(server)));
  if (bad !== undefined) throw invalid(`${shown(bad)} is no address of a NATS server`);
  if ((certificate === undefined) !== (key === undefined))
    throw invalid("a certificate needs its key, and a key its certificate");
  const secure = servers.some((server) => server.startsWith("tls://")) || ca !== undefined || certificate !== undefined;
  for (const file of [ca, certificate, key]) if (file !== undefined) readable(file);
  return {
    servers,
    name,
    // Nobody waits for a server that was never there; one that was there may come back.
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    reconnectJitter: 100,
    reconnectJitterTLS: 100,
    pingInterval: 10_000,
    ignoreAuthErrorAbort: true,
    ...(user !== undefined && { user }),
    ...(password !== undefined && { pass: password }),
    ...(token !== undefined && { token }),
    ...(credentials !== undefined && { authenticator: credsAuthenticator(readable(credentials)) }),
    ...(secure && {
      tls: {
        ...(ca !== undefined && { caFile: ca }),
        ...(certificate !== undefined && key !== undefined && { certFile: certificate, keyFile: key }),
      },
    }),
  };
}

function readable(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw invalid(`${file} cannot be read: ${messageOf(cause)}`, cause);
  }
}

const invalid = (problem: string, cause?: unknown): Error =>
  distributeErrors.create("LOAD_NATS_OPTIONS_INVALID", `NATS: ${problem}.`, { details: { problem }, cause });

class NatsTransport implements Transport {
  readonly #connection: NatsConnection;
  readonly maxPayload: number;

  constructor(connection: NatsConnection, { onNote }: NatsEvents) {
    this.#connection = connection;
    this.maxPayload = connection.info?.max_payload ?? 1024 * 1024;
    if (onNote) void tellStatus(connection, onNote);
  }

  publish(subject: string, data: Uint8Array): void {
    if (!this.#connection.isClosed()) this.#connection.publish(subject, data);
  }

  async request(subject: string, data: Uint8Array, timeoutMs: number): Promise<Answer> {
    try {
      const { data: answer } = await this.#connection.request(subject, data, { timeout: timeoutMs });
      return { state: "answered", data: answer };
    } catch (thrown) {
      if (thrown instanceof RequestError && thrown.isNoResponders()) return { state: "nobody" };
      if (thrown instanceof TimeoutError) return { state: "silent" };
      return { state: "failed", reason: messageOf(thrown) };
    }
  }

  subscribe(subject: string, listener: Listener): Disposable {
    const subscription = this.#connection.subscribe(subject, {
      callback: (error: Error | null, message: Msg) => {
        // Told by the status of the connection: a subject that may not be listened to.
        if (error) return;
        listener(message.data, (answer) => message.respond(answer));
      },
    });
    return {
      [Symbol.dispose]: () => {
        if (!this.#connection.isClosed()) subscription.unsubscribe();
      },
    };
  }

  async flush(): Promise<void> {
    if (!this.#connection.isClosed()) await this.#connection.flush();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection.close();
  }
}

/** Ends with the connection; never rejects. */
async function tellStatus(connection: NatsConnection, onNote: (text: string) => void): Promise<void> {
  for await (const status of connection.status()) {
    if (status.type === "disconnect") onNote(`The connection to NATS (${status.server}) broke; trying again.`);
    else if (status.type === "reconnect") onNote(`Connected to NATS again (${status.server}).`);
    else if (status.type === "error") onNote(`NATS: ${status.error.message}`);
  }
}
