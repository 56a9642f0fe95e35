import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** A server on this machine that sends back what it gets: connections to it cost what connections cost. */
export class EchoServer implements AsyncDisposable {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async listen(): Promise<EchoServer> {
    const server = createServer((socket) => {
      socket.setNoDelay(true);
      socket.on("error", () => socket.destroy()); // the other side has gone; its own error tells why
      socket.pipe(socket);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new EchoServer(server);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    await once(this.#server, "close");
  }
}

export interface EchoConnection {
  /** Sends a number and resolves with what came back. One at a time. */
  readonly echo: (value: number) => Promise<number>;
  readonly close: () => Promise<void>;
}

/** Rejects with the socket's error when there is no connection. */
export async function openConnection(port: number): Promise<EchoConnection> {
  const socket: Socket = connect({ port, host: "127.0.0.1", noDelay: true });
  await once(socket, "connect");
  return {
    echo: async (value) => {
      socket.write(`${value}\n`);
      const [data] = (await once(socket, "data")) as [Buffer];
      return Number(data.toString());
    },
    close: async () => {
      socket.end();
      if (!socket.closed) await once(socket, "close");
    },
  };
}
