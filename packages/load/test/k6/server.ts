import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { digestAuthorization } from "../../src/http/digest-authentication.ts";

const page = `<html><head><title>Shop</title></head><body>
<h1 class="big title">Hello</h1><p>one</p><p>two</p>
<ul id="list"><li data-id="1">a</li><li class="x" data-id="2">b</li><li>c</li></ul>
<a href="/echo?from=link">go</a>
<form action="/echo" method="post"><input name="token" value="t1"><input name="quantity" value="2">
<input type="checkbox" name="gift" checked><select name="size"><option value="s">S</option><option value="m" selected>M</option></select>
<input type="submit" name="buy" value="now"></form></body></html>`;

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("latin1");
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? "/", "http://server");
  const [, route = "", argument = ""] = url.pathname.split("/");
  const json = (value: unknown): void => {
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(value));
  };
  switch (route) {
    case "":
      response.end("hello");
      return;
    case "json":
      return json({ a: { b: [10, 20, { c: "deep" }] }, list: [{ id: 1 }, { id: 2 }], "dot.key": true });
    case "status":
      response.statusCode = Number(argument);
      response.end("status");
      return;
    case "redirect": {
      const left = Number(argument);
      response.statusCode = Number(url.searchParams.get("code") ?? 302);
      response.setHeader("location", left > 1 ? `/redirect/${left - 1}` : "/echo");
      response.end();
      return;
    }
    case "loop":
      response.statusCode = 302;
      response.setHeader("location", "/loop");
      response.end();
      return;
    case "set-cookie":
      response.setHeader("set-cookie", [`${argument}=1; Path=/`, "other=2; Path=/elsewhere; HttpOnly"]);
      response.end("set");
      return;
    case "page":
      response.setHeader("content-type", "text/html");
      response.end(page);
      return;
    case "slow":
      return; // never answered
    case "reset":
      request.socket.destroy();
      return;
    case "digest": {
      const authorization = request.headers.authorization ?? "";
      const cnonce = /cnonce="([^"]*)"/.exec(authorization)?.[1];
      const challenge = 'Digest realm="r", nonce="n1", qop="auth", algorithm=MD5';
      const right = digestAuthorization(
        [challenge],
        { username: "me", password: "secret" },
        "GET",
        url.pathname,
        cnonce,
      );
      response.statusCode = authorization === right ? 200 : 401;
      if (response.statusCode === 401) response.setHeader("www-authenticate", challenge);
      response.end("digest");
      return;
    }
    default:
      return json({
        method: request.method,
        path: url.pathname,
        query: Object.fromEntries(url.searchParams),
        headers: request.headers,
        body: await bodyOf(request),
      });
  }
}

export interface TestServer {
  readonly url: string;
  close(): Promise<void>;
}

export async function startServer(): Promise<TestServer> {
  const server: Server = createServer((request, response) => void answer(request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
