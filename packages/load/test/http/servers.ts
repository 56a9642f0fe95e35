import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface TestServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Connections accepted so far. */
  readonly accepted: () => number;
  readonly open: () => number;
}

/** A TCP server that does to each connection what the test says. */
export async function rawServer(onConnection: (socket: Socket, turn: number) => void): Promise<TestServer> {
  let turn = 0;
  const server = createServer((socket) => {
    socket.on("error", () => undefined); // resets are part of the tests
    onConnection(socket, turn++);
  });
  return serving(server, "http", () => turn);
}

/** Answers each request, of which the head is given, with raw text. */
export function answering(
  answer: (request: string, socket: Socket, turn: number) => string | Buffer | undefined,
): Promise<TestServer> {
  return rawServer((socket, turn) => {
    let text = "";
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
      for (;;) {
        const end = text.indexOf("\r\n\r\n") + 4;
        const length = Number(/\r\ncontent-length: (\d+)/i.exec(text.slice(0, end))?.[1] ?? 0);
        if (end < 4 || text.length < end + length) return;
        const request = text.slice(0, end);
        text = text.slice(end + length);
        const reply = answer(request, socket, turn);
        if (reply !== undefined) socket.write(reply);
      }
    });
  });
}

/** Wraps a server of any kind that is not listening yet. */
export async function serving(server: Server, scheme: string, accepted: () => number): Promise<TestServer> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `${scheme}://127.0.0.1:${port}`,
    port,
    accepted,
    open: () => sockets.size,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

/** A self-signed certificate for localhost, 127.0.0.1 and names below example.test, made anew so that it never expires. */
export function selfSigned(names = "DNS:localhost,IP:127.0.0.1,DNS:*.example.test"): Certificate {
  const folder = mkdtempSync(join(tmpdir(), "mettle-tls-"));
  try {
    const key = join(folder, "key.pem");
    const cert = join(folder, "cert.pem");
    const args = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30"];
    execFileSync(
      "openssl",
      [...args, "-subj", "/CN=mettle test", "-addext", `subjectAltName=${names}`, "-keyout", key, "-out", cert],
      { stdio: "ignore" },
    );
    return { key: readFileSync(key, "utf8"), cert: readFileSync(cert, "utf8") };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export const ok = (body: string, headers = ""): string =>
  `HTTP/1.1 200 OK\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${headers}\r\n${body}`;
