import { answerPage, refuse, WebServer, type WebServerOptions } from "../server/web-server.ts";
import type { HistorySite } from "./history-site.ts";

/** Serves a site of history; pages are made when they are asked for, from what the history holds then. */
export async function serveHistory(site: HistorySite, options: WebServerOptions): Promise<WebServer> {
  const server = await WebServer.listen(options, (path, _query, response) => {
    const page = site.page(path.slice(1));
    if (page === undefined) refuse(response, 404, "There is no such page here.");
    else answerPage(response, page);
  });
  return server.stay();
}
